// A set of byte strings, numbered in order of arrival: open addressing over typed arrays, no strings.

const INITIAL_SLOTS = 1 << 12;

/** Byte strings and their numbers 0, 1, 2, … Its arrays grow; read them again after adding. */
export class ByteTable {
  #slots = new Int32Array(INITIAL_SLOTS); // number + 1, or 0 where free
  #hashes = new Int32Array(INITIAL_SLOTS);
  #offsets = new Uint32Array(INITIAL_SLOTS + 1);
  #arena = new Uint8Array(INITIAL_SLOTS * 8);
  #size = 0;

  /** How many strings there are. */
  get size(): number {
    return this.#size;
  }

  /** Length of all strings together, in bytes. */
  get byteLength(): number {
    return this.#offsets[this.#size];
  }

  /** All strings one after the other: number `i` is `arena[offsets[i]..offsets[i + 1])`. */
  get arena(): Uint8Array {
    return this.#arena.subarray(0, this.byteLength);
  }

  /** Where each string starts, and the end of the last: `size + 1` entries. */
  get offsets(): Uint32Array {
    return this.#offsets.subarray(0, this.#size + 1);
  }

  /** The number of `bytes[start..end)`; it is added, with the number `size`, if it is new. */
  intern(bytes: Uint8Array, start: number, end: number): number {
    const hash = hashBytes(bytes, start, end);
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (let found = this.#slots[slot]; found !== 0; found = this.#slots[slot]) {
      if (this.#hashes[found - 1] === hash && this.#equals(found - 1, bytes, start, end)) return found - 1;
      slot = (slot + 1) & mask;
    }
    this.#slots[slot] = this.#size + 1;
    this.#hashes[this.#size] = hash;
    this.#append(bytes, start, end);
    if (this.#size * 2 > this.#slots.length) this.#growSlots();
    return this.#size - 1;
  }

  /** Forgets all strings; keeps the memory. */
  clear(): void {
    this.#slots.fill(0);
    this.#size = 0;
  }

  #equals(number: number, bytes: Uint8Array, start: number, end: number): boolean {
    let at = this.#offsets[number];
    if (this.#offsets[number + 1] - at !== end - start) return false;
    const arena = this.#arena;
    while (start < end) if (arena[at++] !== bytes[start++]) return false;
    return true;
  }

  #append(bytes: Uint8Array, start: number, end: number): void {
    const from = this.#offsets[this.#size];
    const to = from + end - start;
    if (to > this.#arena.length) {
      const grown = new Uint8Array(Math.max(to, this.#arena.length * 2));
      grown.set(this.#arena);
      this.#arena = grown;
    }
    for (let at = from; start < end;) this.#arena[at++] = bytes[start++];
    this.#offsets[++this.#size] = to;
  }

  #growSlots(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let number = 0; number < this.#size; number++) {
      let slot = this.#hashes[number] & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
    this.#slots = slots;
    const hashes = new Int32Array(slots.length);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    const offsets = new Uint32Array(slots.length + 1);
    offsets.set(this.#offsets);
    this.#offsets = offsets;
  }
}

/** FNV-1a over the bytes, then mixed so that the low bits depend on all of them. */
function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193);
  hash = Math.imul(hash ^ hash >>> 15, 0x2c1b3c6d);
  return hash ^ hash >>> 13;
}
