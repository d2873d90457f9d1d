// Identifies files without reading all of them.
import { createHash } from "node:crypto";
import { PositionedFile } from "./positioned_file.ts";

/** Bytes `[start, end)` of a file. */
export interface FilePart {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/** What is read: the number of windows and the bytes in each. The first is at the beginning and the last at the end. */
const WINDOWS = 64;
const WINDOW_BYTES = 1 << 16;

/**
 * The SHA-256, in hexadecimal, of the parts' sizes and of their bytes laid end to end: all of them up to 4 MiB,
 * otherwise that many in 64 evenly spread windows. It takes milliseconds at any size. A different text has a different
 * fingerprint, unless it has the same sizes and differs only between the windows.
 *
 * @throws {UserError} If a file is shorter than its part.
 */
export async function fingerprintParts(parts: readonly FilePart[]): Promise<string> {
  const hash = createHash("sha256");
  const starts = [0];
  for (const { start, end } of parts) starts.push(starts.at(-1)! + end - start);
  hash.update(`${parts.map(({ start, end }) => end - start).join(" ")}\n`);
  const size = starts.at(-1)!;
  const seen = Math.min(size, WINDOWS * WINDOW_BYTES);
  const window = new Uint8Array(WINDOW_BYTES);
  let file: PositionedFile | undefined;
  try {
    let i = 0;
    for (let at = 0; at < seen; at += WINDOW_BYTES) {
      // Without gaps if there is little, evenly spread if there is much.
      const from = at + Math.floor((size - seen) * at / Math.max(1, seen - WINDOW_BYTES));
      const to = from + Math.min(WINDOW_BYTES, seen - at);
      for (let done = from; done < to;) {
        while (starts[i + 1] <= done) i++;
        const { path, start, end } = parts[i];
        if (file?.path !== path) {
          file?.close();
          file = await PositionedFile.open(path);
        }
        const bytes = window.subarray(0, Math.min(to, starts[i + 1]) - done);
        file.readAt(start + done - starts[i], bytes, end);
        hash.update(bytes);
        done += bytes.length;
      }
    }
  } finally {
    file?.close();
  }
  return hash.digest("hex");
}
