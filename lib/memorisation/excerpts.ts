import { Philox } from "../random/philox.ts";

/** The random stream that excerpts are drawn from; weights, batches and samples have streams of their own. */
const RANDOM_STREAM_EXCERPTS = 3;

/** Blocks that stand for a file that is too large. */
const BLOCKS = 64;

/** A file's bytes in one block; or, of a larger file, blocks spread evenly over it with about `maxBytes` together. */
export async function readBlocks(path: string, maxBytes: number): Promise<Uint8Array[]> {
  using file = await Deno.open(path, { read: true });
  const { size } = await file.stat();
  if (size <= maxBytes) return [await readAt(file, 0, size)];
  const length = Math.floor(maxBytes / BLOCKS);
  const blocks: Uint8Array[] = [];
  for (let i = 0; i < BLOCKS; i++) {
    blocks.push(await readAt(file, Math.floor(i * (size - length) / (BLOCKS - 1)), length));
  }
  return blocks;
}

/**
 * An excerpt for each length, from random places that depend on the seed alone. One that is longer than the block it
 * falls into is the block.
 * @param blocks At least one.
 */
export function drawExcerpts(blocks: readonly Uint8Array[], lengths: readonly number[], seed: number): Uint8Array[] {
  const random = new Philox(seed, RANDOM_STREAM_EXCERPTS);
  return lengths.map((length, i) => {
    const block = blocks[Math.floor(random.uniform(2 * i) * blocks.length)];
    const start = Math.floor(random.uniform(2 * i + 1) * Math.max(1, block.length - length + 1));
    return block.subarray(start, start + length);
  });
}

async function readAt(file: Deno.FsFile, start: number, length: number): Promise<Uint8Array> {
  await file.seek(start, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const count = await file.read(bytes.subarray(done));
    if (count === null) return bytes.subarray(0, done);
    done += count;
  }
  return bytes;
}
