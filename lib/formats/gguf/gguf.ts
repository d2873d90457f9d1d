import { UserError } from "../../errors.ts";
import { excerpt } from "../../io/excerpt.ts";
import { PositionedFile } from "../../io/positioned_file.ts";
import { unusable } from "../safetensors_header.ts";
import { dequantizeOf, READABLE } from "./dequantize.ts";
import { type GgufHeader, type GgufTensor, parseGgufHeader } from "./gguf_header.ts";
import type { ReadRange } from "./header_reader.ts";
import { GgufMetadata } from "./metadata.ts";

export type { GgufTensor } from "./gguf_header.ts";
export { GgufMetadata } from "./metadata.ts";
export type { GgufArray, GgufBigType, GgufNumberType, GgufType, GgufValue } from "./values.ts";

/** Elements that are read and turned into float32 at a time; a multiple of every type's block. */
const PIECE_ELEMENTS = 1 << 18;

/** A GGUF file of version 2 or 3. Its header is in memory; each tensor is read when it is needed. */
export class Gguf implements Disposable {
  /** The version of the format. */
  readonly version: number;
  /** Typed values by key, in file order. */
  readonly metadata: GgufMetadata;
  /** Every tensor's type, shape and place, in the order of the header. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  readonly #label: string;
  readonly #readRange: ReadRange;
  readonly #close: () => void;

  private constructor(header: GgufHeader, label: string, readRange: ReadRange, close: () => void) {
    this.version = header.version;
    this.metadata = new GgufMetadata(header.metadata, label);
    this.tensors = header.tensors;
    this.#label = label;
    this.#readRange = readRange;
    this.#close = close;
  }

  /**
   * Opens a file and reads only its header. The file stays open until you dispose of it.
   * @throws {UserError} If it cannot be opened, or is not a complete and consistent GGUF file of version 2 or 3.
   */
  static async open(path: string): Promise<Gguf> {
    const file = await openFile(path);
    try {
      const readRange = (offset: number, length: number) => {
        const bytes = new Uint8Array(length);
        file.readAt(offset, bytes);
        return bytes;
      };
      return new Gguf(parseGgufHeader(readRange, file.size, path), path, readRange, () => file.close());
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /**
   * Uses a file's contents in memory.
   * @param label Names the contents in errors.
   * @throws {UserError} If they are not a complete and consistent GGUF file of version 2 or 3.
   */
  static fromBytes(bytes: Uint8Array, label = "bytes"): Gguf {
    const readRange = (offset: number, length: number) => bytes.slice(offset, offset + length);
    return new Gguf(parseGgufHeader(readRange, bytes.byteLength, label), label, readRange, () => {});
  }

  /**
   * Reads a tensor as float32: F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K or Q6_K. Beside the result it
   * takes about a megabyte.
   * @returns The elements in row-major order of the tensor's `shape`.
   * @throws {UserError} If there is none of that name, or it is of another type.
   */
  readFloats(name: string): Float32Array<ArrayBuffer> {
    const tensor = this.#find(name);
    const type = dequantizeOf(tensor.dtype);
    if (type === undefined || tensor.byteLength === undefined) {
      throw unusable(this.#label, `tensor ${excerpt(name)} of ${tensor.dtype}`, READABLE.join(", "));
    }
    const { blockElements, blockBytes, run } = type;
    const floats = new Float32Array(tensor.byteLength / blockBytes * blockElements);
    for (let at = 0; at < floats.length; at += PIECE_ELEMENTS) {
      const out = floats.subarray(at, at + PIECE_ELEMENTS);
      const bytes = out.length / blockElements * blockBytes;
      run(this.#readRange(tensor.byteOffset + at / blockElements * blockBytes, bytes), out);
    }
    return floats;
  }

  /**
   * Reads a tensor's bytes as they are stored.
   * @throws {UserError} If there is none of that name, or its type is not known here.
   */
  readBytes(name: string): Uint8Array<ArrayBuffer> {
    const { dtype, byteOffset, byteLength } = this.#find(name);
    if (byteLength === undefined) {
      throw unusable(this.#label, `tensor ${excerpt(name)} of ${dtype}`, "a type that this version knows");
    }
    return this.#readRange(byteOffset, byteLength);
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#close();
  }

  #find(name: string): GgufTensor {
    const tensor = this.tensors.get(name);
    if (tensor !== undefined) return tensor;
    throw new UserError(
      `Cannot read ${this.#label}: got no tensor ${excerpt(name)} in it, must be one of its tensors`,
    );
  }
}

async function openFile(path: string): Promise<PositionedFile> {
  try {
    return await PositionedFile.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw unusable(path, "no such file", "a GGUF file");
    throw error;
  }
}
