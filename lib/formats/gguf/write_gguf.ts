import { PendingFile } from "../../io/pending_file.ts";
import { encodeGgufHeader } from "./encode_header.ts";
import { storeF16, storeF32, storeQ8_0 } from "./store.ts";
import type { GgufValue } from "./values.ts";

export type { GgufValue } from "./values.ts";

/** A tensor to write. */
export interface GgufTensorToWrite {
  /** Its name, at most 63 bytes; each may occur only once. */
  readonly name: string;
  /** How its elements are stored. Rows of Q8_0 have a multiple of 32 elements. */
  readonly dtype: keyof typeof STORE;
  /** Row-major; at most four dimensions. */
  readonly shape: readonly number[];
  /** Its elements, or a function that provides them when their turn comes, so that not all are in memory at once. */
  readonly data: Float32Array | (() => Promise<Float32Array> | Float32Array);
}

const STORE = { F32: storeF32, F16: storeF16, Q8_0: storeQ8_0 };

/** Elements that are converted at a time; a multiple of a block of Q8_0. */
const PIECE_ELEMENTS = 1 << 18;

/**
 * Writes a GGUF file of version 3, one tensor at a time, under a temporary name, and renames it to `path` once everything
 * is on disk. So a file at `path` is complete.
 *
 * @param metadata Typed values by key, in this order. `general.alignment` among them is obeyed.
 * @throws {RangeError} If two tensors or keys have the same name, data does not fit its tensor's shape, or a value does
 *   not fit its type; nothing is left behind.
 * @throws {UserError} If F16 or Q8_0 cannot hold an element, because it is too large.
 */
export async function writeGguf(
  path: string,
  tensors: readonly GgufTensorToWrite[],
  metadata: Iterable<readonly [key: string, value: GgufValue]> = [],
): Promise<void> {
  const { bytes: header, alignment } = encodeGgufHeader(tensors, metadata);
  await using pending = await PendingFile.create(path);
  await pending.write(header);
  for (const { name, dtype, shape, data } of tensors) {
    const floats = typeof data === "function" ? await data() : data;
    const elements = shape.reduce((product, n) => product * n, 1);
    if (!(floats instanceof Float32Array) || floats.length !== elements) {
      throw new RangeError(
        `Cannot write tensor "${name}": got ${floats.length} elements of ${floats.constructor.name}, must be ${elements} of Float32Array, for (${
          shape.join(", ")
        })`,
      );
    }
    let written = 0;
    for (let at = 0; at < floats.length; at += PIECE_ELEMENTS) {
      const bytes = STORE[dtype](floats.subarray(at, at + PIECE_ELEMENTS), name);
      await pending.write(bytes);
      written += bytes.length;
    }
    await pending.write(new Uint8Array(Math.ceil(written / alignment) * alignment - written));
  }
  await pending.publish();
}
