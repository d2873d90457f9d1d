// From text to ids, by the kernel; and very long pre-tokens, which the kernel leaves to be encoded in windows.
import type { IdsView } from "./id_chunks.ts";
import { Kernel } from "../kernel.ts";
import { mergeInWindows, type WindowMerger } from "../pretokenize/long_word.ts";
import { byteIdsOf, type Vocabulary } from "../vocabulary/vocabulary.ts";
import { WholeTokens } from "./whole_tokens.ts";

/** Long pre-tokens are merged in windows of this many bytes at first: the most that the kernel merges without a heap. */
const WINDOW_BYTES = 255;
/** A token of more than one byte has no byte of its own. */
const NO_BYTE = 256;

/** Encodes text with one vocabulary. Keeps finished encodings of pre-tokens, for all texts. */
export class Encoder {
  readonly #kernel: Kernel;
  readonly #merger: WindowMerger;
  readonly #wholeTokens: WholeTokens;
  /** Whether ids put out are 16 bits wide. */
  readonly #isNarrow: boolean;

  /** @param isNarrow Whether ids are put out as uint16; they must fit. Default: uint32. */
  constructor(vocabulary: Vocabulary, isNarrow = false) {
    this.#isNarrow = isNarrow;
    const { merges, tokens, pattern } = vocabulary;
    const numMerges = merges.length / 3;
    const { exports } = this.#kernel = new Kernel(pattern, Math.max(1, numMerges));
    const byteOf = new Uint16Array(tokens.size).fill(NO_BYTE);
    byteIdsOf(vocabulary).forEach((id, byte) => {
      byteOf[id] = byte;
      exports.setByteId(byte, id);
    });
    exports.clearMerges();
    for (let rank = 0; rank < numMerges; rank++) {
      const left = merges[rank * 3], right = merges[rank * 3 + 1];
      exports.addMerge(rank, left, right, merges[rank * 3 + 2], byteOf[left], byteOf[right]);
    }
    this.#merger = {
      IdArray: isNarrow ? Uint16Array : Uint32Array,
      merge: (from, to) => {
        const count = exports.mergeWindow(from, to);
        return Uint32Array.from(this.#kernel.uint32s(exports.wordsEnd(), count));
      },
      byteLength: (id) => tokens.byteLength(id),
    };
    this.#wholeTokens = new WholeTokens(this.#kernel, vocabulary);
  }

  /**
   * Encodes `text[start..end)`, a text that stands alone and has no specials, and hands the ids to `put`: valid during the
   * call only.
   */
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

  /** Encodes the pre-token in the kernel's input from `from` to `to`. */
  #encodeLong(from: number, to: number, put: (ids: IdsView) => void): void {
    const input = this.#kernel.exports.input.value >>> 0;
    const whole = this.#wholeTokens.findLong(this.#kernel.bytes.subarray(input + from, input + to));
    if (whole === undefined) mergeInWindows(this.#merger, from, to, WINDOW_BYTES).forEach(put);
    else put(this.#merger.IdArray.of(whole));
  }

  #output(count: number): IdsView {
    const { exports } = this.#kernel;
    if (!this.#isNarrow) return this.#kernel.uint32s(exports.output.value, count);
    exports.narrowOutput();
    return new Uint16Array(exports.memory.buffer, exports.output.value >>> 0, count);
  }
}
