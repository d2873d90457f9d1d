// Decompresses zstd as a stream.
import { createZstdDecompress, type ZstdDecompress } from "node:zlib";
import { UserError } from "../errors.ts";
import { ZstdFrames } from "./zstd_frames.ts";

const CHUNK_BYTES = 1 << 18;

/**
 * Decompresses zstd data: one frame or several, one after the other. Reads only as fast as it is read from.
 *
 * @param source Pieces whose memory is not reused.
 * @param name The data's name, for messages.
 * @throws {UserError} If the data is not zstd, is damaged or ends early, or needs a dictionary or a window above 128 MiB.
 *   Errors of `source` are passed on.
 */
export async function* unzstd(source: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  const frames = new ZstdFrames(source, name);
  try {
    while (await frames.hasNext()) yield* decompress(frames.frame(), name);
  } finally {
    await frames.close();
  }
}

async function* decompress(frame: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  const unpack = createZstdDecompress({ chunkSize: CHUNK_BYTES });
  let reading: unknown;
  const fed = feed(unpack, frame, (error) => reading ??= error);
  // An error of the source ends the reading below; it is thrown there or after it.
  fed.catch(() => unpack.destroy());
  try {
    for await (const piece of unpack) yield piece;
    await fed;
  } catch (error) {
    if (reading !== undefined) throw reading;
    throw new UserError(
      `Cannot unpack ${name}: got damaged zstd data (${
        (error as Error).message
      }), must be a complete .zst file. Fetch it again`,
    );
  } finally {
    unpack.destroy();
  }
}

async function feed(
  unpack: ZstdDecompress,
  frame: AsyncIterable<Uint8Array>,
  onError: (error: unknown) => void,
): Promise<void> {
  const pieces = frame[Symbol.asyncIterator]();
  for (;;) {
    let next: IteratorResult<Uint8Array>;
    try {
      next = await pieces.next();
    } catch (error) {
      onError(error);
      throw error;
    }
    if (next.done) break;
    await write(unpack, next.value);
  }
  unpack.end();
}

function write(unpack: ZstdDecompress, piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => unpack.write(piece, (error) => error ? reject(error) : resolve()));
}
