import { UserError } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";
import { nestsTooDeep } from "../io/json_depth.ts";
import { isJsonObject } from "../io/json_fields.ts";

/**
 * The .safetensors layout: 8 bytes with the header's length (little-endian u64), the header as JSON, then every tensor's
 * bytes, back to back, little-endian, row-major.
 *
 * Source: https://github.com/huggingface/safetensors#format
 */

/** Bytes of one element, by the format's names of types. */
const BYTES_OF: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
};

/** Bytes before the header: its length. */
export const PREFIX_BYTES = 8;

/** The format's own limit for a header, which keeps other files from asking for absurd amounts of memory. */
const MAX_HEADER_BYTES = 100_000_000;

/** Where one tensor lies in a file. */
export interface TensorEntry {
  /** As in the file. */
  readonly name: string;
  /** The format's name of the element type: F32, I32, U32, F16, BF16, … */
  readonly dtype: string;
  /** Empty for a scalar. */
  readonly shape: readonly number[];
  /** Position of its first byte in the file. */
  readonly byteOffset: number;
  /** Elements times the size of one. */
  readonly byteLength: number;
}

/** The contents of the header. */
export interface SafetensorsHeader {
  /** Free text by key. */
  readonly metadata: Readonly<Record<string, string>>;
  /** In file order. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}

/**
 * Reads the header's length from a file's first 8 bytes.
 * @throws {UserError} If the bytes do not begin a .safetensors file of that size.
 */
export function parseHeaderLength(prefix: Uint8Array, fileBytes: number, label: string): number {
  if (prefix.byteLength < PREFIX_BYTES) throw unusable(label, `a file of ${fileBytes} bytes`, "at least 8 bytes long");
  const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw unusable(label, "a header length that no such file has", "a .safetensors file");
  }
  if (PREFIX_BYTES + Number(length) > fileBytes) {
    throw unusable(
      label,
      `${fileBytes} bytes with a header of ${length}`,
      "a whole .safetensors file, not a truncated one",
    );
  }
  return Number(length);
}

/**
 * Parses and checks a header.
 *
 * @param json The bytes of the header alone.
 * @param fileBytes Size of the whole file.
 * @param label The file's name, for errors.
 * @throws {UserError} If it is not a valid header, or tensors overlap, leave gaps, or do not end where the file ends.
 */
export function parseHeader(json: Uint8Array, fileBytes: number, label: string): SafetensorsHeader {
  const { __metadata__: metadata = {}, ...tensors } = parseObject(json, label);
  if (!isJsonObject(metadata) || !Object.values(metadata).every((value) => typeof value === "string")) {
    throw unusable(label, "metadata that is not text by key", "an object of strings");
  }
  const dataOffset = PREFIX_BYTES + json.byteLength;
  const entries = Object.entries(tensors).map(([name, info]) => parseEntry(name, info, dataOffset, label));
  entries.sort((a, b) => a.byteOffset - b.byteOffset || a.byteLength - b.byteLength);
  let end = dataOffset;
  for (const { name, byteOffset, byteLength } of entries) {
    if (byteOffset !== end) {
      const how = byteOffset < end ? "overlaps" : "leaves a gap after";
      throw unusable(label, `tensor ${excerpt(name)}, which ${how} the one before`, "tensors that lie back to back");
    }
    end += byteLength;
  }
  if (end !== fileBytes) {
    const what = end > fileBytes ? ", not a truncated file" : "";
    throw unusable(label, `${fileBytes} bytes`, `${end} bytes long by its own header${what}`);
  }
  return {
    metadata: metadata as Record<string, string>,
    tensors: new Map(entries.map((entry) => [entry.name, entry])),
  };
}

/** Writes the length and the header, padded with spaces so that the data after it is aligned to 8 bytes. */
export function encodeHeader(
  tensors: Iterable<{ readonly name: string; readonly dtype: string; readonly shape: readonly number[] }>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  let offset = 0;
  for (const { name, dtype, shape } of tensors) {
    if (name === "__metadata__" || name in header) {
      throw new RangeError(`Cannot write tensors: got the name "${name}", must be a new one for each`);
    }
    const end = offset + byteLengthOf(dtype, shape)!;
    header[name] = { dtype, shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(json.byteLength / 8) * 8;
  const bytes = new Uint8Array(PREFIX_BYTES + padded).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(json, PREFIX_BYTES);
  return bytes;
}

/** Bytes of a tensor, if the type is one the format knows. */
export function byteLengthOf(dtype: string, shape: readonly number[]): number | undefined {
  return Object.hasOwn(BYTES_OF, dtype) ? shape.reduce((product, n) => product * n, BYTES_OF[dtype]) : undefined;
}

/** The most dimensions that a message names. */
const MAX_DIMENSIONS = 8;

/** A shape, as quoted in messages. */
export function shapeText(shape: readonly number[]): string {
  return shape.slice(0, MAX_DIMENSIONS).join(", ") + (shape.length > MAX_DIMENSIONS ? ", …" : "");
}

/** A type's name, as quoted in messages; the format's own names are unchanged. */
export function typeName(dtype: string): string {
  return /^\w{1,8}$/.test(dtype) ? dtype : excerpt(dtype);
}

/** The error for a file that cannot be used. */
export function unusable(label: string, got: string, must: string): UserError {
  return new UserError(`Cannot read ${label}: got ${got}, must be ${must}`);
}

function parseObject(json: Uint8Array, label: string): Record<string, unknown> {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(json);
    const value: unknown = nestsTooDeep(text) ? undefined : JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
  }
  throw unusable(label, "a header that is not a JSON object", "a .safetensors file");
}

function parseEntry(name: string, info: unknown, dataOffset: number, label: string): TensorEntry {
  if (isJsonObject(info) && typeof info.dtype === "string" && isSizes(info.shape) && isSizes(info.data_offsets)) {
    const { dtype, shape, data_offsets: [begin, end] } = info;
    const expected = byteLengthOf(dtype, shape) ?? end - begin;
    if (info.data_offsets.length === 2 && end - begin === expected) {
      return { name, dtype, shape, byteOffset: dataOffset + begin, byteLength: expected };
    }
    const size = `${typeName(dtype)} (${shapeText(shape)}) from byte ${begin} to ${end}`;
    throw unusable(label, `tensor ${excerpt(name)} of ${size}`, `${expected} bytes long`);
  }
  throw unusable(label, `tensor ${excerpt(name)} without dtype, shape and data_offsets`, "described by all three");
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
