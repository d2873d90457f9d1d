// NumPy's .npy format, as far as token ids need it: one dimension of little-endian uint16 or uint32.
// Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
import { UserError } from "../errors.ts";

/** Token ids as they are stored. */
export type TokenArray = Uint16Array | Uint32Array;

/** How one token id is stored. */
export type TokenDtype = "uint16" | "uint32";

/** Size in bytes of the header that {@linkcode npyHeader} makes, whatever the length: it can be patched in place. */
export const NPY_HEADER_BYTES = 128;

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const DESCR: Record<TokenDtype, string> = { uint16: "<u2", uint32: "<u4" };

/** The narrowest dtype that holds every id below `vocabSize`. */
export function tokenDtype(vocabSize: number): TokenDtype {
  return vocabSize <= 0x10000 ? "uint16" : "uint32";
}

/** Bytes per element. */
export function dtypeBytes(dtype: TokenDtype): number {
  return dtype === "uint16" ? 2 : 4;
}

/** An array of `length` zeros of the given dtype. */
export function newTokenArray(dtype: TokenDtype, length: number): TokenArray {
  return dtype === "uint16" ? new Uint16Array(length) : new Uint32Array(length);
}

/** The header of a one-dimensional file of `length` elements: {@linkcode NPY_HEADER_BYTES} bytes, format version 1.0. */
export function npyHeader(dtype: TokenDtype, length: number): Uint8Array<ArrayBuffer> {
  const dict = `{'descr': '${DESCR[dtype]}', 'fortran_order': False, 'shape': (${length},), }`;
  const textBytes = NPY_HEADER_BYTES - 10;
  const header = new Uint8Array(NPY_HEADER_BYTES);
  header.set([...MAGIC, 1, 0, textBytes & 0xff, textBytes >> 8]);
  header.set(new TextEncoder().encode(`${dict.padEnd(textBytes - 1)}\n`), 10);
  return header;
}

/** What a header says: the elements start at byte `offset` of the file. */
export interface NpyHeader {
  readonly dtype: TokenDtype;
  readonly length: number;
  readonly offset: number;
}

/**
 * Reads a header.
 *
 * @param start The file's first bytes: {@linkcode NPY_HEADER_BYTES} are enough for what this project writes.
 * @param name The file's name, for messages.
 * @throws {UserError} if this is not a .npy file of one dimension of uint16 or uint32, or `start` ends inside the header.
 */
export function parseNpyHeader(start: Uint8Array, name: string): NpyHeader {
  const refuse = (got: string, mustBe: string): never => {
    throw new UserError(`Cannot read ${name}: got ${got}, must be ${mustBe}. Write it with: deno task encode`);
  };
  if (start.length < 10 || MAGIC.some((byte, i) => start[i] !== byte)) refuse("another format", "a NumPy .npy file");
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const wide = start[6] >= 2;
  const textStart = wide ? 12 : 10;
  const offset = start.length < textStart
    ? Infinity
    : textStart + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  if (offset > start.length) refuse("a file that ends inside its header", "a complete .npy file");
  const dict = new TextDecoder().decode(start.subarray(textStart, offset));
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(dict)?.[1];
  const shape = /'shape'\s*:\s*\(([^)]*)\)/.exec(dict)?.[1];
  const dtype = (Object.keys(DESCR) as TokenDtype[]).find((key) => DESCR[key] === descr);
  if (dtype === undefined) return refuse(`dtype ${descr ?? "unknown"}`, "uint16 (<u2) or uint32 (<u4)");
  const length = /^\s*(\d+)\s*,\s*$/.exec(shape ?? "")?.[1];
  if (length === undefined) return refuse(`shape (${shape ?? "unknown"})`, "one dimension of token ids");
  return { dtype, length: Number(length), offset };
}
