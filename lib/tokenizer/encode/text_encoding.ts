// Encodes a text piece by piece.
import type { Encoder } from "./encoder.ts";
import type { IdsView } from "./id_chunks.ts";
import type { SpecialTokens } from "../pretokenize/special_tokens.ts";
import type { AroundIds } from "../vocabulary/post_processor_json.ts";
import { TextSplitter } from "../pretokenize/text_splitter.ts";

/**
 * Encodes texts given in pieces, and passes ids to `put` as soon as they are certain; they are valid only during the
 * call. They do not depend on where a text was cut.
 */
export function encodingSplitter(
  encoder: Encoder,
  specials: SpecialTokens,
  put: (ids: IdsView) => void,
): TextSplitter {
  return new TextSplitter(
    specials,
    (bytes, start, end, beginning) => encoder.encode(bytes, start, end, put, beginning, specials),
    (id) => put(Uint32Array.of(id)),
  );
}

const NONE: AroundIds = { before: [], after: [] };

/** Encodes one text that is given in pieces. The ids do not depend on where it was cut. */
export class TextEncoding {
  readonly #ids = new IdBuffer();
  readonly #splitter: TextSplitter;
  readonly #around: AroundIds;
  #hasBegun = false;

  /** Begins a text. Made by `Tokenizer.newEncoding`. */
  constructor(encoder: Encoder, specials: SpecialTokens, around: AroundIds = NONE) {
    this.#around = around;
    this.#splitter = encodingSplitter(encoder, specials, (ids) => this.#ids.append(ids));
  }

  /** Adds more of the text, and returns the ids that are certain by now. `bytes` may be reused after the call. */
  push(bytes: Uint8Array): Uint32Array<ArrayBuffer> {
    this.#begin();
    this.#splitter.push(bytes);
    return this.#ids.take();
  }

  /** Ends the text (after `last`, if given) and returns the rest of its ids. Then another text may begin. */
  flush(last?: Uint8Array): Uint32Array<ArrayBuffer> {
    this.#begin();
    this.#splitter.flush(last);
    this.#ids.append(Uint32Array.from(this.#around.after));
    this.#hasBegun = false;
    return this.#ids.take();
  }

  /** What comes next goes on with a text that began elsewhere. To be called before anything of it is added. */
  continueText(): void {
    this.#hasBegun = true;
    this.#splitter.continueText();
  }

  #begin(): void {
    if (!this.#hasBegun) this.#ids.append(Uint32Array.from(this.#around.before));
    this.#hasBegun = true;
  }
}

/** The most ids in one piece of a list. */
const MAX_PIECE = 1 << 18;

/** A growing list of ids, in pieces: a long one is copied once, when it is taken, and not each time that it grows. */
class IdBuffer {
  readonly #full: Uint32Array[] = [];
  #open = new Uint32Array(256);
  #used = 0;

  append(ids: IdsView): void {
    if (this.#used + ids.length > this.#open.length) this.#makeRoom(ids.length);
    this.#open.set(ids, this.#used);
    this.#used += ids.length;
  }

  /** Removes all ids, and returns them in a new array. */
  take(): Uint32Array<ArrayBuffer> {
    const ids = new Uint32Array(this.#full.reduce((sum, { length }) => sum + length, this.#used));
    let at = 0;
    for (const piece of this.#full) {
      ids.set(piece, at);
      at += piece.length;
    }
    ids.set(this.#open.subarray(0, this.#used), at);
    this.#full.length = this.#used = 0;
    return ids;
  }

  #makeRoom(count: number): void {
    const length = this.#used + count;
    const open = new Uint32Array(Math.max(count, Math.min(MAX_PIECE, Math.max(length, this.#open.length * 2))));
    if (length <= open.length) {
      open.set(this.#open.subarray(0, this.#used));
    } else {
      this.#full.push(this.#open.subarray(0, this.#used));
      this.#used = 0;
    }
    this.#open = open;
  }
}
