/** The state of the empty string. */
export const ROOT = 0;

/** Where there is no transition. */
export const NONE = -1;

/**
 * The suffix automaton of several texts: the smallest automaton that reads every substring of each of them, and no string
 * that crosses from one into another. A state stands for strings that end at the same places, each a suffix of the
 * longest of them; its link leads to the state of the longest suffix that ends in more places.
 *
 * For n bytes there are at most 2n states and 3n transitions, and building takes O(n · alphabet) at worst.
 *
 * Source: Blumer et al. 1985, "The smallest automaton recognizing the subwords of a text"; for several texts, Mohri et
 * al. 2009, "General suffix automaton construction algorithm and space bounds".
 */
export class SuffixAutomaton {
  /** Of each state: the length of its longest string. */
  readonly length: Int32Array;
  /** Of each state: its link; `NONE` of the root. */
  readonly link: Int32Array;
  /** Open addressing by state and byte: 0 where a slot is free, else state · 256 + byte + 1. */
  readonly #keys: Float64Array;
  readonly #targets: Int32Array;
  readonly #mask: number;
  /** The root's transitions, which are asked for most. */
  readonly #fromRoot = new Int32Array(256).fill(NONE);
  /** Bytes that occur. */
  readonly #alphabet: Uint8Array;
  #size = 1;

  constructor(texts: readonly Uint8Array[]) {
    const bytes = texts.reduce((sum, text) => sum + text.length, 0);
    this.length = new Int32Array(2 * bytes + 1);
    this.link = new Int32Array(2 * bytes + 1).fill(NONE);
    const slots = 2 ** Math.ceil(Math.log2(6 * bytes + 2));
    this.#keys = new Float64Array(slots);
    this.#targets = new Int32Array(slots);
    this.#mask = slots - 1;
    const occurs = new Uint8Array(256);
    for (const text of texts) for (const byte of text) occurs[byte] = 1;
    this.#alphabet = Uint8Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => occurs[byte] === 1);
    for (const text of texts) {
      let last = ROOT;
      for (const byte of text) last = this.#extend(last, byte);
    }
  }

  /** Number of states; they are numbered from 0, the root. */
  get size(): number {
    return this.#size;
  }

  /** The state that a byte leads to, or `NONE`. */
  next(state: number, byte: number): number {
    if (state === ROOT) return this.#fromRoot[byte];
    const key = state * 256 + byte + 1;
    for (let slot = this.#slotOf(key);; slot = (slot + 1) & this.#mask) {
      const found = this.#keys[slot];
      if (found === key) return this.#targets[slot];
      if (found === 0) return NONE;
    }
  }

  /** Adds the strings that end in `byte` after the whole text that `last` stands for; returns the whole text's state. */
  #extend(last: number, byte: number): number {
    const known = this.next(last, byte);
    // Another text began in the same way.
    if (known !== NONE) return this.length[known] === this.length[last] + 1 ? known : this.#split(last, byte, known);
    const added = this.#add(this.length[last] + 1);
    let state = last;
    while (state !== NONE && this.next(state, byte) === NONE) {
      this.#setNext(state, byte, added);
      state = this.link[state];
    }
    if (state === NONE) {
      this.link[added] = ROOT;
    } else {
      const target = this.next(state, byte);
      const isWhole = this.length[target] === this.length[state] + 1;
      this.link[added] = isWhole ? target : this.#split(state, byte, target);
    }
    return added;
  }

  /** Gives the strings of `target` that come by way of `from` and shorter ones a state of their own. */
  #split(from: number, byte: number, target: number): number {
    const copy = this.#add(this.length[from] + 1);
    for (const each of this.#alphabet) {
      const next = this.next(target, each);
      if (next !== NONE) this.#setNext(copy, each, next);
    }
    this.link[copy] = this.link[target];
    this.link[target] = copy;
    for (let state = from; state !== NONE && this.next(state, byte) === target; state = this.link[state]) {
      this.#setNext(state, byte, copy);
    }
    return copy;
  }

  #add(length: number): number {
    this.length[this.#size] = length;
    return this.#size++;
  }

  #setNext(state: number, byte: number, target: number): void {
    if (state === ROOT) {
      this.#fromRoot[byte] = target;
      return;
    }
    const key = state * 256 + byte + 1;
    let slot = this.#slotOf(key);
    while (this.#keys[slot] !== 0 && this.#keys[slot] !== key) slot = (slot + 1) & this.#mask;
    this.#keys[slot] = key;
    this.#targets[slot] = target;
  }

  #slotOf(key: number): number {
    const hash = Math.imul(key, 0x9e3779b1);
    return (hash ^ (hash >>> 15)) & this.#mask;
  }
}
