// Turns numbers as .npy files store them into token ids.
import type { StoredType } from "./npy_header.ts";
import type { TokenArray } from "./npy_format.ts";

/** Whether the bytes of a file can be used directly as the array of ids. */
export function isStoredAsIds({ bytes, isSigned, isBigEndian }: StoredType): boolean {
  return !isSigned && !isBigEndian && (bytes === 2 || bytes === 4);
}

/**
 * Copies numbers into `ids`.
 *
 * @param bytes Whole numbers, at the beginning of their buffer. Big-endian ones are byte-swapped in place.
 * @returns The position of the first number that is not a token id (negative, or at least 2³²); −1 if all are.
 */
export function toIds(bytes: Uint8Array<ArrayBuffer>, stored: StoredType, ids: TokenArray): number {
  const { bytes: size, isSigned } = stored;
  const length = bytes.length / size;
  if (stored.isBigEndian) { for (let i = 0; i < bytes.length; i += size) bytes.subarray(i, i + size).reverse(); }
  if (size === 8) {
    // The lower half is the id. The upper half is 0 exactly for the numbers from 0 to 2^32 - 1.
    const halves = new Uint32Array(bytes.buffer, 0, 2 * length);
    for (let i = 0; i < length; i++) {
      if (halves[2 * i + 1] !== 0) return i;
      ids[i] = halves[2 * i];
    }
    return -1;
  }
  const numbers = arrayOf(bytes.buffer, stored, length);
  for (let i = 0; i < length; i++) {
    if (isSigned && numbers[i] < 0) return i;
    ids[i] = numbers[i];
  }
  return -1;
}

/** A number that is not a token id, in full. */
export function numberAt(bytes: Uint8Array<ArrayBuffer>, { bytes: size, isSigned }: StoredType, i: number): string {
  const view = new DataView(bytes.buffer);
  if (size === 8) return String(isSigned ? view.getBigInt64(8 * i, true) : view.getBigUint64(8 * i, true));
  return String(arrayOf(bytes.buffer, { bytes: size, isSigned }, i + 1)[i]);
}

function arrayOf(buffer: ArrayBuffer, { bytes, isSigned }: Pick<StoredType, "bytes" | "isSigned">, length: number) {
  if (bytes === 1) return isSigned ? new Int8Array(buffer, 0, length) : new Uint8Array(buffer, 0, length);
  if (bytes === 2) return isSigned ? new Int16Array(buffer, 0, length) : new Uint16Array(buffer, 0, length);
  return isSigned ? new Int32Array(buffer, 0, length) : new Uint32Array(buffer, 0, length);
}
