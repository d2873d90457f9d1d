// Looks at the first bytes of a file, unpacked if it is packed.
import { constants, gunzipSync } from "node:zlib";
import { inside, isPacked, unpack } from "./text_bytes.ts";
import { type Examined, EXAMINED_BYTES, examineText, type Packing } from "./text_format.ts";

/** What a file's first bytes tell. */
export interface ExaminedFile {
  /** How it is packed; absent if it is not. */
  readonly packing?: Packing;
  /** What it is, or what is in it. */
  readonly text: Examined;
  /** Where that is, for messages: empty, or `" inside gzip data"`. */
  readonly where: string;
}

/** Examines a file. What is damaged looks like an empty text: reading it will report that, with the position. */
export async function examineFile(path: string): Promise<ExaminedFile> {
  const head = readHead(path);
  const stored = examineText(head);
  if (!isPacked(stored)) return { text: stored, where: "" };
  const packing = stored.kind;
  const unpacked = packing === "gzip" ? gunzipHead(head) : await unzstdHead(path);
  return { packing, text: examineText(unpacked.subarray(0, EXAMINED_BYTES)), where: inside(packing) };
}

function readHead(path: string): Uint8Array {
  using file = Deno.openSync(path, { read: true });
  const head = new Uint8Array(EXAMINED_BYTES);
  let length = 0;
  while (length < head.length) {
    const count = file.readSync(head.subarray(length));
    if (count === null) break;
    length += count;
  }
  return head.subarray(0, length);
}

function gunzipHead(head: Uint8Array): Uint8Array {
  try {
    return gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    return new Uint8Array(0);
  }
}

/** A block of zstd may be much longer than what is examined, so the file is read on for as long as it takes. */
async function unzstdHead(path: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of unpack("zstd", (await Deno.open(path, { read: true })).readable, path)) {
      parts.push(piece);
      length += piece.length;
      if (length >= EXAMINED_BYTES) break;
    }
  } catch {
    // As much as there is before the damage.
  }
  return new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}
