// Encodes a text piece by piece.
import type { Encoder } from "./encoder.ts";
import { IdBuffer } from "./id_buffer.ts";
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
  readonly #ids: IdBuffer;
  readonly #splitter: TextSplitter;
  readonly #around: AroundIds;
  #hasBegun = false;

  /** Begins a text. Made by `Tokenizer.newEncoding`. */
  constructor(encoder: Encoder, specials: SpecialTokens, around: AroundIds = NONE) {
    this.#ids = new IdBuffer(encoder.IdArray, encoder.spare);
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
