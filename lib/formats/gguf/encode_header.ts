import { ALIGNMENT_KEY, byteLengthOf, DEFAULT_ALIGNMENT, MAGIC, MAX_DIMENSIONS, MAX_KEY_BYTES } from "./gguf_header.ts";
import { type TensorType, tensorTypeNamed } from "./tensor_types.ts";
import { ARRAY_OF, type GgufType, type GgufValue, LEAST_BYTES, VALUE_TYPES } from "./values.ts";

/** The version that is written. */
const VERSION = 3;

/** ggml's longest name: 64 bytes with the zero at its end. */
const MAX_NAME_BYTES = 63;

/** What the header says of a tensor. */
export interface TensorToDescribe {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** A header, and where the tensors after it lie. */
export interface EncodedHeader {
  /** The header's bytes, with the padding after them. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Every tensor is padded to a multiple of so many bytes. */
  readonly alignment: number;
}

/**
 * Writes magic, version, metadata and the tensors' descriptions.
 * @throws {RangeError} If a name or key occurs twice or is too long, or a value or shape does not fit its type.
 */
export function encodeGgufHeader(
  tensors: readonly TensorToDescribe[],
  metadata: Iterable<readonly [key: string, value: GgufValue]>,
): EncodedHeader {
  const values = [...metadata];
  requireDistinct(values.map(([key]) => key), "metadata", "key");
  requireDistinct(tensors.map(({ name }) => name), "tensors", "name");
  const alignment = alignmentOf(values);
  const writer = new HeaderWriter();
  writer.uint32(MAGIC);
  writer.uint32(VERSION);
  writer.size(tensors.length);
  writer.size(values.length);
  for (const [key, value] of values) {
    writer.string(key, MAX_KEY_BYTES);
    writeValue(writer, key, value);
  }
  let offset = 0;
  for (const tensor of tensors) {
    const { type, bytes } = requireWritable(tensor);
    writer.string(tensor.name, MAX_NAME_BYTES);
    writer.uint32(tensor.shape.length);
    for (const size of tensor.shape.toReversed()) writer.size(size);
    writer.uint32(type.id);
    writer.size(offset);
    offset += Math.ceil(bytes / alignment) * alignment;
  }
  writer.pad(alignment);
  return { bytes: writer.bytes(), alignment };
}

function requireDistinct(names: readonly string[], what: string, one: string): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw new RangeError(`Cannot write ${what}: got the ${one} "${name}" twice, must be once`);
    seen.add(name);
  }
}

function alignmentOf(values: readonly (readonly [string, GgufValue])[]): number {
  const given = values.find(([key]) => key === ALIGNMENT_KEY)?.[1];
  if (given === undefined) return DEFAULT_ALIGNMENT;
  if (given.type === "uint32" && given.value > 0 && Number.isInteger(Math.log2(given.value))) return given.value;
  throw new RangeError(`Cannot write ${ALIGNMENT_KEY}: got ${given.value}, must be a power of two of type uint32`);
}

function requireWritable({ name, dtype, shape }: TensorToDescribe): { type: TensorType; bytes: number } {
  const type = tensorTypeNamed(dtype);
  const bytes = type && byteLengthOf(type, shape);
  if (type !== undefined && bytes !== undefined && shape.length <= MAX_DIMENSIONS && shape.every((n) => n >= 0)) {
    return { type, bytes };
  }
  const rows = type === undefined || type.blockElements === 1 ? "" : `, rows of a multiple of ${type.blockElements}`;
  throw new RangeError(
    `Cannot write tensor "${name}": got ${dtype} (${
      shape.join(", ")
    }), must be a type of ggml with at most ${MAX_DIMENSIONS} dimensions${rows}`,
  );
}

function writeValue(writer: HeaderWriter, key: string, given: GgufValue): void {
  writer.uint32(VALUE_TYPES.indexOf(given.type));
  writePayload(writer, key, given);
}

function writePayload(writer: HeaderWriter, key: string, given: GgufValue): void {
  if (given.type !== "array") return writePlain(writer, key, given.type, given.value);
  writer.uint32(VALUE_TYPES.indexOf(given.of));
  writer.size(given.value.length);
  if (given.of === "array") { for (const array of given.value) writePayload(writer, key, array); }
  else for (let i = 0; i < given.value.length; i++) writePlain(writer, key, given.of, given.value[i]);
}

function writePlain(
  writer: HeaderWriter,
  key: string,
  type: GgufType,
  value: string | number | bigint | boolean,
): void {
  if (type === "string" && typeof value === "string") return writer.string(value);
  if (type === "bool" && typeof value === "boolean") return writer.raw(Uint8Array.of(Number(value)));
  const stored = type === "string" || type === "bool" || type === "array" ? undefined : storedNumber(type, value);
  if (stored === undefined) {
    throw new RangeError(`Cannot write "${key}": got ${String(value)}, must be of type ${type}`);
  }
  writer.raw(stored);
}

/** The bytes of a number; `undefined` if the type cannot hold it. A float32 may be rounded. */
function storedNumber(type: keyof typeof ARRAY_OF, value: unknown): Uint8Array | undefined {
  const array = new ARRAY_OF[type](1);
  if (array instanceof BigUint64Array || array instanceof BigInt64Array) {
    if (typeof value !== "bigint") return undefined;
    array[0] = value;
    if (array[0] !== value) return undefined;
  } else {
    if (typeof value !== "number") return undefined;
    array[0] = value;
    if (type !== "float32" && type !== "float64" && array[0] !== value) return undefined;
  }
  return new Uint8Array(array.buffer, 0, LEAST_BYTES[type]);
}

/** Bytes that grow as they are written. */
class HeaderWriter {
  #bytes = new Uint8Array(1 << 16);
  #length = 0;

  uint32(value: number): void {
    const at = this.#grow(4);
    new DataView(this.#bytes.buffer).setUint32(at, value, true);
  }

  size(value: number): void {
    const at = this.#grow(8);
    new DataView(this.#bytes.buffer).setBigUint64(at, BigInt(value), true);
  }

  raw(bytes: Uint8Array): void {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** @throws {RangeError} If it has more than `maxBytes` bytes, or none, or a half of a surrogate pair. */
  string(text: string, maxBytes?: number): void {
    if (!text.isWellFormed()) {
      throw new RangeError(
        `Cannot write ${JSON.stringify(text)}: got half of a surrogate pair, must be whole characters`,
      );
    }
    const bytes = new TextEncoder().encode(text);
    if (maxBytes !== undefined && (bytes.length === 0 || bytes.length > maxBytes)) {
      throw new RangeError(`Cannot write "${text}": got a name of ${bytes.length} bytes, must be 1 to ${maxBytes}`);
    }
    this.size(bytes.length);
    this.raw(bytes);
  }

  /** Zeros up to the next multiple of `alignment`. */
  pad(alignment: number): void {
    this.#grow(Math.ceil(this.#length / alignment) * alignment - this.#length);
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    return at;
  }
}
