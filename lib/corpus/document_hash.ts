// Documents told apart by their hashes: a few bytes each, however long they are.
import { createHash } from "node:crypto";
import { isWhiteSpace } from "./documents.ts";

/**
 * 52 bits of a document's SHA-256, white space at its ends left out: two documents that differ are taken for equal once in
 * 2^52.
 */
export function documentHash(document: Uint8Array): number {
  let start = 0, end = document.length;
  while (start < end && isWhiteSpace(document[start])) start++;
  while (start < end && isWhiteSpace(document[end - 1])) end--;
  const digest = createHash("sha256").update(document.subarray(start, end)).digest();
  return digest.readUInt32LE(0) + (digest.readUInt32LE(4) >>> 12) * 2 ** 32;
}

/** No hash is negative. */
const FREE = -1;

/** Hashes, each once. Takes at most 32 bytes for each, and half as much again while it grows; has no limit but memory. */
export class HashSet {
  /** A table of twice the room at least, a power of two: a hash is at the place that its low bits say, or soon after. */
  #table = new Float64Array(1024).fill(FREE);
  #size = 0;

  /** Adds a hash; says whether it is new. */
  add(hash: number): boolean {
    const at = placeOf(this.#table, hash);
    if (this.#table[at] === hash) return false;
    this.#table[at] = hash;
    this.#size++;
    if (this.#size * 2 > this.#table.length) this.#grow();
    return true;
  }

  #grow(): void {
    const grown = new Float64Array(this.#table.length * 2).fill(FREE);
    for (const hash of this.#table) if (hash !== FREE) grown[placeOf(grown, hash)] = hash;
    this.#table = grown;
  }
}

/** Where a hash is, or where it is to go. */
function placeOf(table: Float64Array, hash: number): number {
  let at = hash % table.length;
  while (table[at] !== FREE && table[at] !== hash) at = at + 1 === table.length ? 0 : at + 1;
  return at;
}
