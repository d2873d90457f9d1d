// Turns text into ids with the kernel. The kernel leaves very long pre-tokens, which are encoded in windows here.
import { SparePieces } from "./id_buffer.ts";
import type { IdsView } from "./id_chunks.ts";
import { Kernel } from "../kernel.ts";
import { type CharacterMerges, characterMerges, withoutBeginnings } from "./character_merges.ts";
import { preparationOf, type TextPreparation } from "./text_preparation.ts";
import type { Beginning } from "../pretokenize/split_steps.ts";
import { SpecialTokens } from "../pretokenize/special_tokens.ts";
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
  readonly spare: SparePieces = new SparePieces();
  /** What holds the output ids. */
  readonly IdArray: typeof Uint16Array | typeof Uint32Array;
  /** What happens to the text before; `undefined` if the kernel splits it as it is. */
  readonly #preparation: TextPreparation | undefined;
  /** For tokens that are made of characters. */
  readonly #characters: CharacterMerges | undefined;
  readonly #vocabSize: number;

  /**
   * @param isNarrow Whether to output ids as uint16, which they must fit. Default: uint32. Those of a vocabulary of
   *   characters may be uint32 all the same.
   */
  constructor(vocabulary: Vocabulary, isNarrow = false) {
    const { merges, tokens, pattern, missingBytes = [], unknown, sentencePieces } = vocabulary;
    const characters = sentencePieces && characterMerges(vocabulary, sentencePieces);
    this.#characters = characters;
    this.#vocabSize = tokens.size;
    const fits = characters === undefined || tokens.size + characters.beginnings.length <= 2 ** 16;
    this.IdArray = isNarrow && fits ? Uint16Array : Uint32Array;
    const all = characters === undefined ? merges : Uint32Array.from([...characters.merges.flat(), ...merges]);
    const numMerges = all.length / 3;
    const idBytes = this.IdArray === Uint16Array ? 2 : 4;
    const { exports } = this.#kernel = new Kernel(
      missingBytes.length > 0 ? [] : pattern,
      Math.max(1, numMerges),
      idBytes,
    );
    const byteOf = new Uint16Array(tokens.size + (characters?.beginnings.length ?? 0)).fill(NO_BYTE);
    (characters?.byteIds ?? byteIdsOf(vocabulary)).forEach((id, byte) => {
      if (id >= 0) byteOf[id] = byte;
      exports.setByteId(byte, id >= 0 ? id : unknown?.id ?? 0);
    });
    exports.clearMerges();
    for (let rank = 0; rank < numMerges; rank++) {
      const left = all[rank * 3], right = all[rank * 3 + 1];
      exports.addMerge(rank, left, right, all[rank * 3 + 2], byteOf[left], byteOf[right]);
    }
    this.#merger = {
      IdArray: this.IdArray,
      merge: (from, to) => {
        const count = exports.mergeWindow(from, to);
        return Uint32Array.from(this.#kernel.uint32s(exports.wordsEnd(), count));
      },
      byteLength: (id) => id < tokens.size ? tokens.byteLength(id) : characters!.beginnings[id - tokens.size].length,
    };
    this.#preparation = preparationOf(vocabulary);
    this.#wholeTokens = new WholeTokens(this.#kernel, vocabulary);
  }

  /**
   * Encodes `text[start..end)`, which must be independent of its surroundings and have no special tokens. Passes the
   * ids to `put`; they are valid only during the call.
   *
   * @param beginning What begins there.
   * @param specials Those that were looked for.
   */
  encode(
    text: Uint8Array,
    start: number,
    end: number,
    put: (ids: IdsView) => void,
    beginning: Beginning = "text",
    specials: SpecialTokens = new SpecialTokens([], this.#preparation),
  ): void {
    const kernel = this.#kernel;
    const { exports } = kernel;
    const characters = this.#characters;
    if (characters !== undefined) {
      const putWhole = put, { IdArray } = this.#merger;
      put = (ids) => {
        const isWhole = !ids.some((id) => id >= this.#vocabSize);
        putWhole(isWhole ? ids : IdArray.from(withoutBeginnings(ids, this.#vocabSize, characters)));
      };
    }
    const run = (length: number) => {
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
    };
    if (this.#preparation === undefined) return kernel.forEachPiece(text, start, end, run);
    const onSpecial = (id: number) => put(this.#merger.IdArray.of(id));
    this.#preparation.forEachPiece(kernel, text, start, end, beginning, specials, run, onSpecial);
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
