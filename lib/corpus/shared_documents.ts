// Finds documents that are in both parts of a split.
import { createHash } from "node:crypto";

/**
 * Counts the validation documents that are training documents too, byte for byte. Keeps 8 bytes per document, a part of
 * its hash: two different documents look equal once in 2^52.
 */
export class SharedDocuments {
  readonly #train = new Hashes();
  readonly #valid = new Hashes();

  add(document: Uint8Array, part: "train" | "valid"): void {
    (part === "train" ? this.#train : this.#valid).append(hashOf(document));
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

/** 52 bits of a document's hash. */
function hashOf(document: Uint8Array): number {
  const digest = createHash("sha256").update(document).digest();
  return digest.readUInt32LE(0) + (digest.readUInt32LE(4) >>> 12) * 2 ** 32;
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
