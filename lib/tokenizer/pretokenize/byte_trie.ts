// Finds the longest of many byte strings at a place of a text.

/** A set of byte strings, each with a number. */
export class ByteTrie {
  /** The node that a byte leads to, by node * 256 + byte. */
  readonly #next = new Map<number, number>();
  /** By node: the number of the string that ends there, or -1. */
  readonly #values: number[] = [-1];

  /** Adds a string, which must not be there yet. */
  add(bytes: Uint8Array, value: number): void {
    let node = 0;
    for (const byte of bytes) {
      const key = node * 256 + byte;
      let next = this.#next.get(key);
      if (next === undefined) {
        next = this.#values.push(-1) - 1;
        this.#next.set(key, next);
      }
      node = next;
    }
    this.#values[node] = value;
  }

  /** The longest string at `bytes[at]` that ends at `end` or before. */
  longestAt(
    bytes: Uint8Array,
    at: number,
    end: number,
  ): { readonly value: number; readonly length: number } | undefined {
    const { length, value } = this.reachAt(bytes, at, end);
    return value < 0 ? undefined : { value, length };
  }

  /** The longest string there, 0 bytes if there is none; and whether what follows `end` might make it another. */
  reachAt(
    bytes: Uint8Array,
    at: number,
    end: number,
  ): { readonly value: number; readonly length: number; readonly isOpen: boolean } {
    let node = 0, value = -1, length = 0;
    for (let i = at; i < end; i++) {
      const next = this.#next.get(node * 256 + bytes[i]);
      if (next === undefined) return { value, length, isOpen: false };
      node = next;
      if (this.#values[node] < 0) continue;
      value = this.#values[node];
      length = i + 1 - at;
    }
    return { value, length, isOpen: at < end };
  }
}
