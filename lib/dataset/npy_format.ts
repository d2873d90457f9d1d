// NumPy's .npy format as this project writes it: one dimension of little-endian uint16 or uint32.
// Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

/** Token ids in memory, and as they are written. */
export type TokenArray = Uint16Array | Uint32Array;

/** How one token id is written. */
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
