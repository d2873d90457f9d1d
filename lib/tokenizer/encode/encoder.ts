// Turns text into ids with the kernel. The kernel leaves very long pre-tokens, which are encoded in windows here.
import { SparePieces } from "./id_buffer.ts";
import type { IdsView } from "./id_chunks.ts";
import { Kernel } from "../kernel.ts";
import { mergeInWindows, type WindowMerger } from "../pretokenize/long_word.ts";
import { byteIdsOf, type Vocabulary } from "../vocabulary/vocabulary.ts";
import { WholeTokens } from "./whole_tokens.ts";

/** The first window size for long pre-tokens, in bytes: the most that the kernel merges without a heap. */
const WINDOW_BYTES = 255;
/** For a token of more than one byte. */
const NO_BYTE = 256;

/** Encodes text with one vocabulary. Caches the encodings of pre-tokens across texts. */
export class Encoder {
  readonly #kernel: Kernel;
  readonly #merger: WindowMerger;
  readonly #wholeTokens: WholeTokens;
  /** For lists of its ids. */
  readonly spare = new SparePieces();
  /** What holds the output ids. */
  readonly IdArray: typeof Uint16Array | typeof Uint32Array;

  /** @param isNarrow Whether to output ids as uint16, which they must fit. Default: uint32. */
  constructor(vocabulary: Vocabulary, isNarrow = false) {
    this.IdArray = isNarrow ? Uint16Array : Uint32Array;
    const { merges, tokens, pattern } = vocabulary;
    const numMerges = merges.length / 3;
    const { exports } = this.#kernel = new Kernel(pattern, Math.max(1, numMerges), isNarrow ? 2 : 4);
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
      IdArray: this.IdArray,
      merge: (from, to) => {
        const count = exports.mergeWindow(from, to);
        return Uint32Array.from(this.#kernel.uint32s(exports.wordsEnd(), count));
      },
      byteLength: (id) => tokens.byteLength(id),
    };
    this.#wholeTokens = new WholeTokens(this.#kernel, vocabulary);
  }

  /**
   * Encodes `text[start..end)`, which must be independent of its surroundings and have no special tokens. Passes the
   * ids to `put`; they are valid only during the call.
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
    return new this.IdArray(exports.memory.buffer as ArrayBuffer, exports.output.value >>> 0, count);
  }
}
