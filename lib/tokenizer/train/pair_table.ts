// Pairs of token ids, numbered in order of arrival: open addressing over typed arrays.

/** Pairs of token ids and their numbers 0, 1, 2, … Its arrays grow: read them again after `add()`. */
export class PairTable {
  left: Int32Array;
  right: Int32Array;
  #slots: Int32Array; // number + 1, or 0 where free
  #size = 0;

  /** @param capacity How many pairs to make room for; it grows when more come. */
  constructor(capacity = 1024) {
    const numSlots = 2 ** Math.ceil(Math.log2(Math.max(16, capacity * 2)));
    this.#slots = new Int32Array(numSlots);
    this.left = new Int32Array(numSlots / 2);
    this.right = new Int32Array(numSlots / 2);
  }

  /** How many pairs there are. */
  get size(): number {
    return this.#size;
  }

  /** The number of a pair, or -1. */
  find(left: number, right: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hashPair(left, right) & mask;; slot = (slot + 1) & mask) {
      const number = slots[slot] - 1;
      if (number < 0 || (this.left[number] === left && this.right[number] === right)) return number;
    }
  }

  /** Adds a pair that is not there yet; its number is the `size` before. */
  add(left: number, right: number): number {
    if (this.#size === this.left.length) this.#grow();
    const number = this.#size++;
    this.left[number] = left;
    this.right[number] = right;
    this.#place(number);
    return number;
  }

  #place(number: number): void {
    const mask = this.#slots.length - 1;
    let slot = hashPair(this.left[number], this.right[number]) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = number + 1;
  }

  #grow(): void {
    const left = new Int32Array(this.#size * 2), right = new Int32Array(this.#size * 2);
    left.set(this.left);
    right.set(this.right);
    this.left = left;
    this.right = right;
    this.#slots = new Int32Array(this.#size * 4);
    for (let number = 0; number < this.#size; number++) this.#place(number);
  }
}

function hashPair(left: number, right: number): number {
  const hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
  return hash ^ hash >>> 15;
}
