// From text to ids, by the kernel; and very long pre-tokens, which the kernel leaves to be encoded in windows.
import { Kernel } from "./kernel.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Token ids as they come out: in the kernel's memory, valid until it is called again. */
export type IdsView = Uint16Array | Uint32Array;

/** Long pre-tokens are merged in windows of this many bytes, which grow where that is not enough. */
const WINDOW_BYTES = 1 << 12;
/** How often another cut is tried before the window grows. */
const MAX_CUTS_TRIED = 4;
/** A token of more than one byte has no byte of its own. */
const NO_BYTE = 256;

/** Encodes text with one vocabulary. Keeps finished encodings of pre-tokens, for all texts. */
export class Encoder {
  readonly #kernel: Kernel;
  readonly #vocabulary: Vocabulary;
  /** Whether ids put out are 16 bits wide. */
  readonly #isNarrow: boolean;

  /** @param isNarrow Whether ids are put out as uint16; they must fit. Default: uint32. */
  constructor(vocabulary: Vocabulary, isNarrow = false) {
    this.#vocabulary = vocabulary;
    this.#isNarrow = isNarrow;
    const { merges, tokens, pattern } = vocabulary;
    const numMerges = merges.length / 3;
    const { exports } = this.#kernel = new Kernel(pattern, Math.max(1, numMerges));
    const specials = new Set(vocabulary.specials.map(({ id }) => id));
    const byteOf = new Uint16Array(tokens.size).fill(NO_BYTE);
    for (let id = 0; id < tokens.size; id++) {
      if (tokens.byteLength(id) !== 1 || specials.has(id)) continue;
      byteOf[id] = tokens.get(id)[0];
      exports.setByteId(byteOf[id], id);
    }
    exports.clearMerges();
    for (let rank = 0; rank < numMerges; rank++) {
      const left = merges[rank * 3], right = merges[rank * 3 + 1];
      exports.addMerge(rank, left, right, merges[rank * 3 + 2], byteOf[left], byteOf[right]);
    }
  }

  /** Encodes `text[start..end)`, a text that stands alone and has no specials, and hands the ids to `put`. */
  encode(text: Uint8Array, start: number, end: number, put: (ids: IdsView) => void): void {
    const kernel = this.#kernel;
    const { exports } = kernel;
    kernel.forEachPiece(text, start, end, (length) => {
      for (let at = 0; at < length;) {
        at = exports.encode(kernel.pattern, at, length);
        const count = exports.outputLength();
        if (count > 0) {
          put(this.#output(count));
        } else if (at < length) {
          const wordEnd = exports.wordEnd(kernel.pattern, at, length);
          this.#encodeLong(at, wordEnd, put);
          at = wordEnd;
        }
      }
    });
  }

  #output(count: number): IdsView {
    const { exports } = this.#kernel;
    if (!this.#isNarrow) return this.#kernel.uint32s(exports.output.value, count);
    exports.narrowOutput();
    return new Uint16Array(exports.memory.buffer, exports.output.value >>> 0, count);
  }

  /**
   * Encodes the pre-token at `from` to `to` of the kernel's input, in memory that does not grow with its length.
   *
   * A sequence of tokens is the encoding of its bytes if and only if every two neighbours are the encoding of theirs: then,
   * and only then, no merge ever reaches across a boundary. So the tokens of one window, up to a boundary, may be followed
   * by the tokens of a window that starts there, if the two at the boundary are an encoding.
   * Source: https://github.com/github/rust-gems/tree/main/crates/bpe, README, corollary IV
   */
  #encodeLong(from: number, to: number, put: (ids: IdsView) => void): void {
    let windowBytes = WINDOW_BYTES;
    let start = from;
    let ids = this.#mergeWindow(start, Math.min(to, start + windowBytes));
    while (start + windowBytes < to) {
      const next = this.#findNextWindow(start, ids, to, windowBytes);
      if (next === null) {
        windowBytes *= 2;
        ids = this.#mergeWindow(start, Math.min(to, start + windowBytes));
        continue;
      }
      put(this.#narrowed(ids.subarray(0, next.numBefore)));
      ids = next.ids;
      start = next.start;
      windowBytes = WINDOW_BYTES;
    }
    put(this.#narrowed(ids));
  }

  /** Where a window can take over from the tokens `ids`, whose bytes start at `start`; `null` where none was found. */
  #findNextWindow(
    start: number,
    ids: Uint32Array,
    to: number,
    windowBytes: number,
  ): { readonly start: number; readonly numBefore: number; readonly ids: Uint32Array<ArrayBuffer> } | null {
    const { tokens } = this.#vocabulary;
    // The end of a window differs from what it would be with the text after it; some way before, seldom.
    let target = start + windowBytes * 3 / 4;
    for (let tried = 0; tried < MAX_CUTS_TRIED; tried++, target = (start + target) / 2) {
      let cut = start, numBefore = 0;
      while (cut < target) cut += tokens.byteLength(ids[numBefore++]);
      if (cut >= to || numBefore >= ids.length) continue;
      const next = this.#mergeWindow(cut, Math.min(to, cut + windowBytes));
      const left = ids[numBefore - 1], right = next[0];
      const around = this.#mergeWindow(cut - tokens.byteLength(left), cut + tokens.byteLength(right));
      if (around.length === 2 && around[0] === left && around[1] === right) return { start: cut, numBefore, ids: next };
    }
    return null;
  }

  #mergeWindow(from: number, to: number): Uint32Array<ArrayBuffer> {
    const { exports } = this.#kernel;
    const count = exports.mergeWindow(from, to);
    return Uint32Array.from(this.#kernel.uint32s(exports.wordsEnd(), count));
  }

  #narrowed(ids: Uint32Array): IdsView {
    return this.#isNarrow ? Uint16Array.from(ids) : ids;
  }
}
