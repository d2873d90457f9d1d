import { PositionedFile } from "../../io/positioned_file.ts";
import { Philox } from "../../random/philox.ts";

/** The random stream for excerpts; weights, batches and samples have their own. */
const RANDOM_STREAM_EXCERPTS = 3;

/** The number of blocks that represent a file that is too large. */
const BLOCKS = 64;

/**
 * A file's bytes as one block; for a larger file, blocks spread evenly over it, with about `maxBytes` together.
 * @throws {UserError} If the file becomes shorter meanwhile.
 */
export async function readBlocks(path: string, maxBytes: number): Promise<Uint8Array[]> {
  using file = await PositionedFile.open(path);
  const { size } = file;
  if (size <= maxBytes) return [readBlock(file, 0, size)];
  const length = Math.floor(maxBytes / BLOCKS);
  return Array.from(
    { length: BLOCKS },
    (_, i) => readBlock(file, Math.floor(i * (size - length) / (BLOCKS - 1)), length),
  );
}

/**
 * An excerpt of each length, from random places that depend only on the seed. If it would be longer than its block, it
 * is
 * the whole block.
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

function readBlock(file: PositionedFile, start: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  file.readAt(start, bytes);
  return bytes;
}
