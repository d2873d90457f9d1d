// Reads the header of a .npy file that may come from anywhere.
// Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
import { call, say, UserError, type Wording } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";
import type { TokenDtype } from "./npy_format.ts";
import { parsePythonLiteral, type PythonDict, type PythonValue } from "./python_literal.ts";

/** How a file stores one number. */
export interface StoredType {
  /** As NumPy spells it, for example `<i8`. */
  readonly descr: string;
  readonly isSigned: boolean;
  readonly bytes: 1 | 2 | 4 | 8;
  readonly isBigEndian: boolean;
}

/** The contents of a header. The numbers start at byte `offset` of the file. */
export interface NpyHeader {
  readonly stored: StoredType;
  /** The type for the numbers as token ids. */
  readonly dtype: TokenDtype;
  /** One dimension, or rows and columns. */
  readonly shape: readonly number[];
  /** Of all numbers. */
  readonly length: number;
  readonly offset: number;
}

const REWRITE = say`Write it with: ${call("encodeParts")}`;

/** Bytes that {@linkcode npyHeaderSize} needs. */
export const NPY_PREFIX_BYTES = 12;

/** A header of format 1 has 64 KiB at most. Later formats allow 4 GiB, but token ids never need that much. */
const MAX_HEADER_BYTES = 1 << 20;

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/**
 * The size of a header in bytes, from the first {@linkcode NPY_PREFIX_BYTES} of its file.
 * @throws {UserError} If this is not a .npy file, or its version or header size is not supported.
 */
export function npyHeaderSize(start: Uint8Array, name: string): number {
  if (start.length < MAGIC.length || MAGIC.some((byte, i) => start[i] !== byte)) {
    const next = say`${REWRITE}; or from an .npz or .bin: ${call("convertTokens")}`;
    throw refusal(name, "another format", "a NumPy .npy file", next);
  }
  if (start.length < NPY_PREFIX_BYTES) {
    throw refusal(name, "a file that ends inside its header", "a complete .npy file");
  }
  const [major, minor] = start.subarray(MAGIC.length);
  if (major < 1 || major > 3 || minor !== 0) {
    throw refusal(name, `version ${major}.${minor} of the .npy format`, "1.0, 2.0 or 3.0");
  }
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const size = major === 1 ? 10 + view.getUint16(8, true) : 12 + view.getUint32(8, true);
  if (size <= MAX_HEADER_BYTES) return size;
  throw refusal(name, `a header of ${size} bytes`, `at most ${MAX_HEADER_BYTES}`);
}

/**
 * Reads a header.
 *
 * @param start The file's first bytes, with the whole header.
 * @param name The file's name, for messages.
 * @throws {UserError} If it is not the header of a .npy file of whole numbers in one or two dimensions.
 */
export function parseNpyHeader(start: Uint8Array, name: string): NpyHeader {
  const offset = npyHeaderSize(start.subarray(0, NPY_PREFIX_BYTES), name);
  if (offset > start.length) throw refusal(name, "a file that ends inside its header", "a complete .npy file");
  const major = start[MAGIC.length];
  const dict = parseDict(
    new TextDecoder(major === 3 ? "utf-8" : "latin1").decode(start.subarray(major === 1 ? 10 : 12, offset)),
    name,
  );
  const stored = parseDescr(dict.get("descr"), name);
  const shape = parseShape(dict.get("shape"), name);
  const isFortran = dict.get("fortran_order");
  if (typeof isFortran !== "boolean") throw refusal(name, `fortran_order ${quote(isFortran)}`, "True or False");
  // With one dimension, or a single row or column, the order is the same.
  if (isFortran && shape.filter((size) => size !== 1).length > 1) {
    const next = "Write it with: numpy.save(path, numpy.ascontiguousarray(ids))";
    throw refusal(name, `shape (${shape.join(", ")}) in Fortran order, column by column`, "row by row", next);
  }
  const length = shape.reduce((product, size) => product * size, 1);
  if (!Number.isSafeInteger(length)) throw refusal(name, `shape (${shape.join(", ")})`, "at most 2^53 numbers");
  return { stored, dtype: stored.bytes <= 2 ? "uint16" : "uint32", shape, length, offset };
}

const KEYS = ["descr", "fortran_order", "shape"];

function parseDict(text: string, name: string): PythonDict {
  let value: PythonValue;
  try {
    value = parsePythonLiteral(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw refusal(name, `a header that cannot be read (${error.message}: ${excerpt(text)})`, "NumPy's");
  }
  if (!(value instanceof Map)) throw refusal(name, `a header of ${quote(value)}`, "a dictionary");
  for (const key of value.keys()) {
    if (!KEYS.includes(key)) throw refusal(name, `${excerpt(key)} in its header`, `none but ${KEYS.join(", ")}`);
  }
  for (const key of KEYS) if (!value.has(key)) throw refusal(name, `no ${key} in its header`, "there");
  return value;
}

/** The meaning of NumPy's letters for types that cannot hold ids. */
const KINDS: Readonly<Record<string, string>> = {
  f: "floating-point numbers",
  c: "complex numbers",
  b: "true and false",
  O: "Python objects",
  U: "text",
  S: "bytes of text",
  V: "raw bytes",
  M: "dates",
  m: "durations",
};

function parseDescr(descr: PythonValue | undefined, name: string): StoredType {
  const wanted = "uint16 or another type of whole numbers: uint8, uint32, uint64, int8, int16, int32, int64";
  if (Array.isArray(descr)) {
    throw refusal(name, `a structured dtype, ${quote(descr)}`, wanted, "Write the field with the ids by itself");
  }
  const [, order, kind, size] = /^([<>|=])([iu])([1248])$/.exec(String(descr)) ?? [];
  if (typeof descr !== "string" || kind === undefined) {
    const known = typeof descr === "string" && /^[<>|=]?([a-zA-Z])/.exec(descr)?.[1];
    const what = known && KINDS[known] ? ` (${KINDS[known]})` : "";
    throw refusal(name, `dtype ${typeof descr === "string" ? bare(descr) : quote(descr)}${what}`, wanted);
  }
  const bytes = Number(size) as StoredType["bytes"];
  if (bytes > 1 && (order === "=" || order === "|")) {
    throw refusal(name, `dtype ${descr}, which leaves the order of bytes open`, "with < or > in front");
  }
  return { descr, isSigned: kind === "i", bytes, isBigEndian: order === ">" };
}

function parseShape(shape: PythonValue | undefined, name: string): number[] {
  const sizes = Array.isArray(shape) ? shape as readonly PythonValue[] : [];
  const isShape = (sizes.length === 1 || sizes.length === 2) &&
    sizes.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
  if (isShape) return sizes as number[];
  const got = Array.isArray(shape) ? `(${sizes.map((size) => bare(String(size))).join(", ")})` : quote(shape);
  throw refusal(name, `shape ${got.slice(0, 100)}`, "one dimension of token ids, or rows of them");
}

/** A value of the header as a message quotes it. */
function quote(value: PythonValue | undefined): string {
  return value instanceof Map ? "a dictionary" : excerpt(value);
}

function bare(text: string): string {
  return excerpt(text).slice(1, -1);
}

function refusal(name: string, got: string, mustBe: string, next: string | Wording = REWRITE): UserError {
  return new UserError(say`Cannot read ${name}: got ${got}, must be ${mustBe}. ${next}`);
}
