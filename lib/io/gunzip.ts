// Gzip unpacked as it streams.
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { UserError } from "../errors.ts";

const CHUNK_BYTES = 1 << 18;

/**
 * Unpacks gzip data, also of several members one after the other. Reads only as fast as it is read from. (The web's
 * DecompressionStream refuses a second member.)
 *
 * @param source Pieces that stay as they are after they were handed over: one is read ahead.
 * @param name What the data is called, for messages.
 * @throws {UserError} if the data is not gzip, is damaged, or ends early. Errors of `source` come through as they are.
 */
export async function* gunzip(source: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  const unpack = createGunzip({ chunkSize: CHUNK_BYTES });
  // Errors of either end arrive where `unpack` is read below.
  pipeline(Readable.from(source, { objectMode: true, highWaterMark: 1 }), unpack, () => {});
  try {
    for await (const piece of unpack) yield piece;
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (typeof code !== "string" || !code.startsWith("Z_")) throw error;
    throw new UserError(
      `Cannot unpack ${name}: got damaged gzip data (${
        (error as Error).message
      }), must be a complete .gz file. Fetch it again`,
    );
  } finally {
    unpack.destroy();
  }
}
