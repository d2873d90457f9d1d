import { OptionError } from "../../errors.ts";

/** How many windows of a text occur in a corpus. */
export interface WindowCount {
  /** Windows in the texts. */
  readonly windows: number;
  /** How many of them occur in the corpus. */
  readonly shared: number;
}

/** Base of the rolling hash: Σ byte · BASE^i modulo 2³². Odd, so that no byte's weight vanishes. */
const BASE = 0x01000193;

/** Bits of the filter for each window. */
const FILTER_BITS = 16;

/**
 * Counts the windows of some texts that occur in a corpus that is streamed. The count is exact, because a window is
 * compared byte for byte if hashes agree. Memory is needed only for the texts' windows, about 50 bytes per distinct
 * one.
 *
 * Source of the rolling hash: Karp & Rabin 1987, "Efficient randomized pattern-matching algorithms".
 */
export class SharedWindows {
  readonly #windowBytes: number;
  /** All texts, one after the other. */
  readonly #text: Uint8Array;
  /** Of each different content: its first place in #text, its hash, how often it occurs, and whether it was met. */
  readonly #places: Int32Array;
  readonly #hashes: Int32Array;
  readonly #counts: Int32Array;
  readonly #isMet: Uint8Array;
  /** Open addressing by hash: 0 where a slot is free, else the content's number + 1. */
  readonly #slots: Int32Array;
  readonly #mask: number;
  /** A bit for each hash that occurs, so that one look settles most of the corpus. */
  readonly #filter: Uint32Array;
  readonly #filterShift: number;
  #contents = 0;
  readonly #windows: number;

  /** The last bytes of the corpus: the newest window at the end of what is filled. */
  readonly #recent: Uint8Array;
  #filled = 0;
  #hash = 0;
  /** BASE^windowBytes: what the byte that leaves the window weighs. */
  readonly #leaving: number;

  /**
   * Prepares to look for every window of `windowBytes` bytes.
   *
   * @throws {OptionError} If `windowBytes` is not a positive integer.
   */
  constructor(texts: readonly Uint8Array[], windowBytes: number) {
    if (!Number.isSafeInteger(windowBytes) || windowBytes < 1) {
      throw new OptionError(`Cannot compare windows: got ${windowBytes} bytes, must be a positive integer`);
    }
    this.#windowBytes = windowBytes;
    const usable = texts.filter(({ length }) => length >= windowBytes);
    this.#windows = usable.reduce((sum, { length }) => sum + length - windowBytes + 1, 0);
    this.#text = new Uint8Array(usable.reduce((sum, { length }) => sum + length, 0));
    this.#places = new Int32Array(this.#windows);
    this.#hashes = new Int32Array(this.#windows);
    this.#counts = new Int32Array(this.#windows);
    this.#isMet = new Uint8Array(this.#windows);
    const slots = 2 ** Math.ceil(Math.log2(2 * this.#windows + 2));
    this.#slots = new Int32Array(slots);
    this.#mask = slots - 1;
    const filterBits = Math.min(32, Math.max(10, Math.ceil(Math.log2(FILTER_BITS * this.#windows + 1))));
    this.#filter = new Uint32Array(2 ** (filterBits - 5));
    this.#filterShift = 32 - filterBits;
    // Room for a number of windows before the newest is moved to the front.
    this.#recent = new Uint8Array(windowBytes + Math.max(1 << 16, windowBytes));
    let power = 1;
    for (let i = 0; i < windowBytes; i++) power = Math.imul(power, BASE);
    this.#leaving = power;
    let start = 0;
    for (const text of usable) {
      this.#text.set(text, start);
      this.#addWindows(start, start + text.length);
      start += text.length;
    }
  }

  /** Takes the next bytes of a document, cut anywhere. */
  push(bytes: Uint8Array): void {
    if (this.#contents === 0) return;
    const size = this.#windowBytes;
    const recent = this.#recent;
    for (let done = 0; done < bytes.length;) {
      if (this.#filled === recent.length) {
        recent.copyWithin(0, recent.length - size);
        this.#filled = size;
      }
      const part = bytes.subarray(done, done + recent.length - this.#filled);
      recent.set(part, this.#filled);
      let hash = this.#hash;
      const end = this.#filled + part.length;
      for (let at = this.#filled; at < end; at++) {
        hash = (Math.imul(hash, BASE) + recent[at]) | 0;
        if (at < size) {
          if (at < size - 1) continue;
        } else {
          hash = (hash - Math.imul(recent[at - size], this.#leaving)) | 0;
        }
        const bit = mixed(hash) >>> this.#filterShift;
        if ((this.#filter[bit >>> 5] >>> (bit & 31) & 1) === 1) this.#meet(hash, at + 1 - size);
      }
      this.#hash = hash;
      this.#filled = end;
      done += part.length;
    }
  }

  /** Ends a document: no window reaches from it into the next one. */
  endDocument(): void {
    this.#filled = 0;
    this.#hash = 0;
  }

  /** The windows of all texts, and how many of them occur in the corpus so far. */
  count(): WindowCount {
    let shared = 0;
    for (let i = 0; i < this.#contents; i++) if (this.#isMet[i] === 1) shared += this.#counts[i];
    return { windows: this.#windows, shared };
  }

  #addWindows(start: number, end: number): void {
    const size = this.#windowBytes;
    let hash = 0;
    for (let at = start; at < end; at++) {
      hash = (Math.imul(hash, BASE) + this.#text[at]) | 0;
      if (at - start >= size) hash = (hash - Math.imul(this.#text[at - size], this.#leaving)) | 0;
      if (at - start >= size - 1) this.#add(hash, at + 1 - size);
    }
  }

  #add(hash: number, place: number): void {
    let slot = mixed(hash) & this.#mask;
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & this.#mask) {
      const content = this.#slots[slot] - 1;
      if (this.#hashes[content] === hash && this.#isAt(this.#places[content], this.#text, place)) {
        this.#counts[content]++;
        return;
      }
    }
    const content = this.#contents++;
    this.#slots[slot] = content + 1;
    this.#places[content] = place;
    this.#hashes[content] = hash;
    this.#counts[content] = 1;
    const bit = mixed(hash) >>> this.#filterShift;
    this.#filter[bit >>> 5] |= 1 << (bit & 31);
  }

  /** Marks the content that the corpus has at `at` in the recent bytes, if it is one of the texts'. */
  #meet(hash: number, at: number): void {
    for (let slot = mixed(hash) & this.#mask; this.#slots[slot] !== 0; slot = (slot + 1) & this.#mask) {
      const content = this.#slots[slot] - 1;
      if (this.#hashes[content] !== hash || this.#isMet[content] === 1) continue;
      if (this.#isAt(this.#places[content], this.#recent, at)) this.#isMet[content] = 1;
    }
  }

  /** Whether the window at `place` in the texts is the one at `at` in `bytes`. */
  #isAt(place: number, bytes: Uint8Array, at: number): boolean {
    for (let i = 0; i < this.#windowBytes; i++) if (this.#text[place + i] !== bytes[at + i]) return false;
    return true;
  }
}

/** Spreads a hash over all its bits: sums of small bytes fill the low ones first. */
function mixed(hash: number): number {
  const spread = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (spread ^ (spread >>> 15)) >>> 0;
}
