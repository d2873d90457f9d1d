import { excerpt } from "../../io/excerpt.ts";
import { shapeText } from "../safetensors_header.ts";
import { HeaderReader, type ReadRange } from "./header_reader.ts";
import { readValue } from "./read_values.ts";
import { type TensorType, tensorTypeOf } from "./tensor_types.ts";
import type { GgufValue } from "./values.ts";

/**
 * The GGUF layout, little-endian: magic, version, number of tensors, number of metadata values; the metadata, each as key,
 * type and value; each tensor's name, dimensions, type and offset; then, aligned, the tensors' bytes.
 *
 * Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
export interface GgufHeader {
  readonly version: number;
  /** Every tensor starts at a multiple of so many bytes. */
  readonly alignment: number;
  /** In file order. */
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** In the order of the header. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

/** Where one tensor lies in a file. */
export interface GgufTensor {
  /** As in the file. */
  readonly name: string;
  /** ggml's name of the element type: F32, Q8_0, … */
  readonly dtype: string;
  /**
   * Row-major, as everywhere here: the last dimension is the one whose elements lie next to each other. GGUF itself lists
   * the dimensions the other way round. Empty for a scalar.
   */
  readonly shape: readonly number[];
  /** Position of its first byte in the file. */
  readonly byteOffset: number;
  /** Its bytes in the file; `undefined` for a type that is not known here. */
  readonly byteLength: number | undefined;
}

/** "GGUF" in ASCII. */
export const MAGIC = 0x46554747;
/** The key of the alignment. */
export const ALIGNMENT_KEY = "general.alignment";
/** What tensors are aligned to where no key says otherwise. */
export const DEFAULT_ALIGNMENT = 32;
/** The most dimensions that ggml has. */
export const MAX_DIMENSIONS = 4;

/** The most bytes of a key by the format. */
export const MAX_KEY_BYTES = 65535;

/** A key's length, its type, and a value of one byte. */
const LEAST_METADATA_BYTES = 8 + 4 + 1;
/** A name's length, the number of dimensions, the type, the offset. */
const LEAST_TENSOR_BYTES = 8 + 4 + 4 + 8;

/**
 * Reads and checks a header.
 *
 * @param fileBytes Size of the whole file.
 * @param label The file's name, for errors.
 * @throws {UserError} If it is not the header of a whole GGUF file of version 2 or 3, little-endian, or tensors overlap or
 *   lie outside the file.
 */
export function parseGgufHeader(readRange: ReadRange, fileBytes: number, label: string): GgufHeader {
  const reader = new HeaderReader(readRange, fileBytes, label);
  const version = readVersion(reader, fileBytes);
  const numTensors = reader.count("tensors", LEAST_TENSOR_BYTES);
  const metadata = readMetadata(reader, reader.count("metadata values", LEAST_METADATA_BYTES));
  const alignment = alignmentOf(metadata, reader);
  const described = readDescriptions(reader, numTensors);
  const dataOffset = Math.ceil(reader.position / alignment) * alignment;
  const tensors = described.map((tensor) => placed(tensor, { dataOffset, alignment, fileBytes, reader }));
  refuseOverlaps(tensors, reader);
  return { version, alignment, metadata, tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])) };
}

function readVersion(reader: HeaderReader, fileBytes: number): number {
  if (fileBytes < 24) throw reader.unusable(`a file of ${fileBytes} bytes`, "a GGUF file, at least 24 bytes long");
  if (reader.uint32() !== MAGIC) throw reader.unusable("another format", 'a GGUF file, which starts with "GGUF"');
  const version = reader.uint32();
  if (version === 2 || version === 3) return version;
  if (version !== 0 && (version & 0xffff) === 0) {
    throw reader.unusable("a big-endian GGUF file", "a little-endian one");
  }
  throw reader.unusable(`version ${version} of GGUF`, "version 2 or 3");
}

function readMetadata(reader: HeaderReader, count: number): Map<string, GgufValue> {
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < count; i++) {
    const key = reader.string(`key ${i}`);
    if (key === "" || key.length > MAX_KEY_BYTES) {
      throw reader.unusable(`a key of ${key.length} characters`, `a key of 1 to ${MAX_KEY_BYTES} bytes`);
    }
    if (metadata.has(key)) throw reader.unusable(`the key ${excerpt(key)} twice`, "each key once");
    metadata.set(key, readValue(reader, key));
  }
  return metadata;
}

function alignmentOf(metadata: ReadonlyMap<string, GgufValue>, reader: HeaderReader): number {
  const given = metadata.get(ALIGNMENT_KEY);
  if (given === undefined) return DEFAULT_ALIGNMENT;
  const { type, value } = given;
  if (type === "uint32" && value > 0 && Number.isInteger(Math.log2(value))) return value;
  const got = type === "array" || type === "string" ? `of type ${type}` : `${value} (${type})`;
  throw reader.unusable(`${ALIGNMENT_KEY} ${got}`, "a power of two (uint32)");
}

/** A tensor as the header describes it. */
interface Described {
  readonly name: string;
  readonly shape: readonly number[];
  readonly typeId: number;
  /** From the first tensor's place on. */
  readonly offset: number;
}

function readDescriptions(reader: HeaderReader, count: number): Described[] {
  const names = new Set<string>();
  return Array.from({ length: count }, (_, i) => {
    const name = reader.string(`the name of tensor ${i}`);
    if (names.has(name)) throw reader.unusable(`tensor ${excerpt(name)} twice`, "each name once");
    names.add(name);
    const numDimensions = reader.uint32();
    if (numDimensions > MAX_DIMENSIONS) {
      throw reader.unusable(`tensor ${excerpt(name)} of ${numDimensions} dimensions`, `at most ${MAX_DIMENSIONS}`);
    }
    const shape = Array.from({ length: numDimensions }, () => reader.size()).reverse();
    return { name, shape, typeId: reader.uint32(), offset: reader.size() };
  });
}

interface Place {
  readonly dataOffset: number;
  readonly alignment: number;
  readonly fileBytes: number;
  readonly reader: HeaderReader;
}

function placed({ name, shape, typeId, offset }: Described, place: Place): GgufTensor {
  const { dataOffset, alignment, fileBytes, reader } = place;
  const type = tensorTypeOf(typeId);
  const dtype = type?.name ?? `type ${typeId}`;
  const what = `tensor ${excerpt(name)} of ${dtype} (${shapeText(shape)})`;
  const byteLength = type && byteLengthOf(type, shape);
  if (type !== undefined && byteLength === undefined) {
    const rows = type.blockElements === 1 ? "" : ` with rows of a multiple of ${type.blockElements} elements`;
    throw reader.unusable(what, `a shape that a file can hold${rows}`);
  }
  if (offset % alignment !== 0) {
    throw reader.unusable(`${what} at offset ${offset}`, `an offset that is a multiple of ${alignment}`);
  }
  const byteOffset = dataOffset + offset;
  const end = byteOffset + (byteLength ?? 0);
  if (end > fileBytes) {
    throw reader.unusable(
      `${fileBytes} bytes with ${what} from byte ${byteOffset} to ${end}`,
      "a whole GGUF file, not a truncated one",
    );
  }
  return { name, dtype, shape, byteOffset, byteLength };
}

/** Bytes of a tensor; `undefined` if its rows are not whole blocks, or it has more elements than can be counted. */
export function byteLengthOf({ blockElements, blockBytes }: TensorType, shape: readonly number[]): number | undefined {
  if (!shape.every(Number.isSafeInteger)) return undefined;
  const elements = shape.reduce((product, n) => product * n, 1);
  const columns = shape.at(-1) ?? 1;
  if (columns % blockElements !== 0) return undefined;
  const bytes = elements / blockElements * blockBytes;
  return Number.isSafeInteger(elements) && Number.isSafeInteger(bytes) ? bytes : undefined;
}

function refuseOverlaps(tensors: readonly GgufTensor[], reader: HeaderReader): void {
  const sorted = tensors.toSorted((a, b) => a.byteOffset - b.byteOffset || (a.byteLength ?? 0) - (b.byteLength ?? 0));
  let end = 0, before = "";
  for (const { name, byteOffset, byteLength = 0 } of sorted) {
    if (byteOffset < end) {
      throw reader.unusable(
        `tensor ${excerpt(name)}, which overlaps ${excerpt(before)}`,
        "tensors that do not overlap",
      );
    }
    end = byteOffset + byteLength;
    before = name;
  }
}
