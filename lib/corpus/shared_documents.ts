// Finds documents that are in both parts of a split.
import { documentHash } from "./document_hash.ts";

/**
 * Counts the validation documents that are training documents too, byte for byte except for white space at their ends.
 * Keeps 8 bytes per document.
 */
export class SharedDocuments {
  readonly #train = new Hashes();
  readonly #valid = new Hashes();

  add(document: Uint8Array, part: "train" | "valid"): void {
    (part === "train" ? this.#train : this.#valid).append(documentHash(document));
  }

  /** The number of validation documents that are training documents too. */
  count(): number {
    // The validation text is the smaller one.
    const valid = new Set(this.#valid.all);
    const shared = new Set<number>();
    for (const hash of this.#train.all) if (valid.has(hash)) shared.add(hash);
    let count = 0;
    for (const hash of this.#valid.all) if (shared.has(hash)) count++;
    return count;
  }
}

/** Numbers, appended. */
class Hashes {
  #hashes = new Float64Array(1024);
  #length = 0;

  get all(): Float64Array {
    return this.#hashes.subarray(0, this.#length);
  }

  append(hash: number): void {
    if (this.#length === this.#hashes.length) {
      const grown = new Float64Array(this.#length * 2);
      grown.set(this.#hashes);
      this.#hashes = grown;
    }
    this.#hashes[this.#length++] = hash;
  }
}
