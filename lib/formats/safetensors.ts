import { UserError } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";
import { PendingFile } from "../io/pending_file.ts";
import { PositionedFile } from "../io/positioned_file.ts";
import {
  byteLengthOf,
  encodeHeader,
  parseHeader,
  parseHeaderLength,
  PREFIX_BYTES,
  type SafetensorsHeader,
  type TensorEntry,
  typeName,
  unusable,
} from "./safetensors_header.ts";

export type { TensorEntry } from "./safetensors_header.ts";

/** Reads `length` bytes of a file from `offset` on. */
type ReadRange = (offset: number, length: number) => Uint8Array<ArrayBuffer>;

/** A .safetensors file. Its header is in memory; each tensor is read when it is needed. */
export class Safetensors implements Disposable {
  /** Free text by key. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Every tensor's type, shape and place, in file order. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly #label: string;
  readonly #readRange: ReadRange;
  readonly #close: () => void;

  private constructor(header: SafetensorsHeader, label: string, readRange: ReadRange, close: () => void) {
    this.metadata = header.metadata;
    this.tensors = header.tensors;
    this.#label = label;
    this.#readRange = readRange;
    this.#close = close;
  }

  /**
   * Opens a file and reads only its header. The file stays open until you dispose of it.
   * @throws {UserError} If it cannot be opened, or is not a complete and consistent .safetensors file.
   */
  static async open(path: string): Promise<Safetensors> {
    return Safetensors.#of(await openFile(path));
  }

  /** As {@linkcode open}. */
  static openSync(path: string): Safetensors {
    return Safetensors.#of(openFileSync(path));
  }

  static #of(file: PositionedFile): Safetensors {
    const { path } = file;
    try {
      const readRange = (offset: number, length: number) => {
        const bytes = new Uint8Array(length);
        file.readAt(offset, bytes);
        return bytes;
      };
      const header = readHeader(readRange, file.size, path);
      return new Safetensors(header, path, readRange, () => file.close());
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /**
   * Uses a file's contents in memory.
   * @param label Names the contents in errors.
   * @throws {UserError} If they are not a complete and consistent .safetensors file.
   */
  static fromBytes(bytes: Uint8Array, label = "bytes"): Safetensors {
    const readRange = (offset: number, length: number) => bytes.slice(offset, offset + length);
    return new Safetensors(readHeader(readRange, bytes.byteLength, label), label, readRange, () => {});
  }

  /**
   * Reads a tensor of type F32, F16 or BF16.
   * @throws {UserError} If there is none of that name, or it is of another type.
   */
  readFloats(name: string): Float32Array<ArrayBuffer> {
    const entry = this.#find(name);
    if (!["F32", "F16", "BF16"].includes(entry.dtype)) {
      throw unusable(this.#label, `tensor ${excerpt(name)} of type ${typeName(entry.dtype)}`, "F32, F16 or BF16");
    }
    const { buffer } = this.#readRange(entry.byteOffset, entry.byteLength);
    if (entry.dtype === "F32") return new Float32Array(buffer);
    if (entry.dtype === "F16") return Float32Array.from(new Float16Array(buffer));
    // bfloat16 is the upper half of a float32.
    return new Float32Array(Uint32Array.from(new Uint16Array(buffer), (half) => half << 16).buffer);
  }

  /**
   * Reads a tensor of type U32, or of type I32 whose values are not negative.
   * @throws {UserError} If there is none of that name, or it is of another type, or a value is negative.
   */
  readIntegers(name: string): Uint32Array<ArrayBuffer> {
    const entry = this.#find(name);
    if (entry.dtype !== "U32" && entry.dtype !== "I32") {
      throw unusable(this.#label, `tensor ${excerpt(name)} of type ${typeName(entry.dtype)}`, "U32 or I32");
    }
    const { buffer } = this.#readRange(entry.byteOffset, entry.byteLength);
    if (entry.dtype === "I32" && new Int32Array(buffer).some((value) => value < 0)) {
      throw unusable(this.#label, `tensor ${excerpt(name)} with a negative value`, "all values from 0 on");
    }
    return new Uint32Array(buffer);
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#close();
  }

  #find(name: string): TensorEntry {
    const entry = this.tensors.get(name);
    if (entry === undefined) {
      throw new UserError(
        `Cannot read ${this.#label}: got no tensor ${excerpt(name)} in it, must be one of its tensors`,
      );
    }
    return entry;
  }
}

/** A tensor to write. */
export interface TensorToWrite {
  /** Its name; each may occur only once. */
  readonly name: string;
  /** The format's name of the element type. */
  readonly dtype: "F32" | "I32" | "U32";
  /** Empty for a scalar. */
  readonly shape: readonly number[];
  /** Its elements, or a function that provides them when their turn comes, so that not all are in memory at once. */
  readonly data: TensorData | (() => Promise<TensorData>);
}

/** Elements of a type that can be written. */
export type TensorData = Float32Array | Int32Array | Uint32Array;

const ARRAY_OF = { F32: Float32Array, I32: Int32Array, U32: Uint32Array };

/**
 * Writes a .safetensors file, one tensor at a time, under a temporary name, and renames it to `path` once everything is
 * on disk. So a file at `path` is complete.
 *
 * @param metadata Free text by key.
 * @throws {RangeError} If two tensors have the same name, or data does not fit its tensor's type and shape; nothing is
 *   left behind.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const header = encodeHeader(tensors, metadata);
  await using pending = await PendingFile.create(path);
  await pending.write(header);
  for (const { name, dtype, shape, data } of tensors) {
    const array = typeof data === "function" ? await data() : data;
    if (!(array instanceof ARRAY_OF[dtype]) || array.byteLength !== byteLengthOf(dtype, shape)) {
      const got = `${array.length} elements of ${array.constructor.name}`;
      throw new RangeError(`Cannot write tensor "${name}": got ${got}, must be ${dtype} (${shape.join(", ")})`);
    }
    await pending.write(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  }
  await pending.publish();
}

function readHeader(readRange: ReadRange, fileBytes: number, label: string): SafetensorsHeader {
  const prefix = readRange(0, Math.min(PREFIX_BYTES, fileBytes));
  const length = parseHeaderLength(prefix, fileBytes, label);
  return parseHeader(readRange(PREFIX_BYTES, length), fileBytes, label);
}

async function openFile(path: string): Promise<PositionedFile> {
  try {
    return await PositionedFile.open(path);
  } catch (error) {
    throw namingMissing(error, path);
  }
}

function openFileSync(path: string): PositionedFile {
  try {
    return PositionedFile.openSync(path);
  } catch (error) {
    throw namingMissing(error, path);
  }
}

function namingMissing(error: unknown, path: string): unknown {
  return error instanceof Deno.errors.NotFound ? unusable(path, "no such file", "a .safetensors file") : error;
}
