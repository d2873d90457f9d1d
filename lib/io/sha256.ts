import { createHash } from "node:crypto";

/** Bytes that are read at a time. */
const PIECE_BYTES = 1 << 20;

/** The SHA-256 of some bytes or of UTF-8 text, in hexadecimal unless asked otherwise. */
export function sha256(data: string | Uint8Array, encoding: "hex" | "base64" = "hex"): string {
  return createHash("sha256").update(data).digest(encoding);
}

/** The SHA-256 of a file, in hexadecimal, without loading it. */
export async function sha256OfFile(path: string): Promise<string> {
  using file = await Deno.open(path);
  const hash = createHash("sha256");
  const piece = new Uint8Array(PIECE_BYTES);
  for (let count = await file.read(piece); count !== null; count = await file.read(piece)) {
    hash.update(piece.subarray(0, count));
  }
  return hash.digest("hex");
}
