// Decompresses gzip as a stream.
import { createGunzip, type Gunzip } from "node:zlib";
import { UserError } from "../errors.ts";

const CHUNK_BYTES = 1 << 18;

/**
 * Decompresses gzip data, including several members one after the other; zeros may follow the last one. Reads only as
 * fast as it is read from. (The web's DecompressionStream refuses a second member.)
 *
 * @param source Pieces whose memory is not reused.
 * @param name The data's name, for messages.
 * @throws {UserError} If the data is not gzip, is damaged, ends early, or continues after zeros. Errors of `source` are
 *   passed on.
 */
export async function* gunzip(source: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  const unpack = createGunzip({ chunkSize: CHUNK_BYTES });
  const fed = feed(unpack, source, name);
  // An error of the source ends the reading below; it is thrown there or after it.
  fed.catch((error) => unpack.destroy(error));
  try {
    for await (const piece of unpack) yield piece;
    await fed;
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (typeof code !== "string" || !code.startsWith("Z_")) throw error;
    throw new UserError(
      `Cannot unpack ${name}: got damaged gzip data (${
        (error as Error).message
      }), must be a complete .gz file. Download it again`,
    );
  } finally {
    unpack.destroy();
  }
}

/** Writes all of the source. Once zeros follow a member, decompression is over: the rest must be zeros too. */
async function feed(unpack: Gunzip, source: AsyncIterable<Uint8Array>, name: string): Promise<void> {
  let given = 0, isOver = false;
  for await (const piece of source) {
    const before = given;
    given += piece.length;
    if (!isOver) {
      await write(unpack, piece);
      isOver = unpack.bytesWritten < given;
      if (isOver) unpack.end();
    }
    if (isOver && piece.subarray(Math.max(0, unpack.bytesWritten - before)).some((byte) => byte !== 0)) {
      throw new UserError(
        `Cannot unpack ${name}: got more data after the zeros from byte ${unpack.bytesWritten} on, must be none. Unpack it with gzip -d, and look at the end`,
      );
    }
  }
  if (!isOver) unpack.end();
}

function write(unpack: Gunzip, piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => unpack.write(piece, (error) => error ? reject(error) : resolve()));
}
