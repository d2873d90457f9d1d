// The tokenizer a person holds: text to ids and back.
import { UserError } from "../errors.ts";
import { Encoder } from "./encoder.ts";
import { SpecialTokens } from "./special_tokens.ts";
import { TextEncoding } from "./text_encoding.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** How {@linkcode Tokenizer.encode} treats what looks like a special token. */
export interface EncodeOptions {
  /** `"special"` (default): one id. `"text"`: like any other text. */
  readonly specials?: "special" | "text";
}

/** Token ids. */
export type Ids = Uint16Array | Uint32Array | readonly number[];

const NO_SPECIALS = new SpecialTokens([]);

/**
 * A byte-level BPE tokenizer.
 *
 * @example
 * ```ts
 * import { trainBpe } from "./train_bpe.ts";
 *
 * const tokenizer = await trainBpe("low low low lower lowest", { vocabSize: 260, specialTokens: ["<|endoftext|>"] });
 * const ids = tokenizer.encode("low<|endoftext|>");
 * console.log(tokenizer.decode(ids)); // low<|endoftext|>
 * ```
 */
export class Tokenizer {
  /** The tokens, merges and specials: what a tokenizer is made from, and what its files hold. Not to be changed. */
  readonly vocabulary: Vocabulary;
  #encoder: Encoder | undefined;
  readonly #specials: SpecialTokens;

  /** Takes the vocabulary as it is: see {@linkcode loadTokenizer} and {@linkcode trainBpe} for the ways to get one. */
  constructor(vocabulary: Vocabulary) {
    this.vocabulary = vocabulary;
    this.#specials = new SpecialTokens(vocabulary.specials);
  }

  /** One more than the highest id: the rows an embedding needs. */
  get vocabSize(): number {
    return this.vocabulary.tokens.size;
  }

  /** Whether an id is a token's: ids below `vocabSize` can have gaps. */
  hasToken(id: number): boolean {
    return this.vocabulary.tokens.byteLength(id) > 0;
  }

  /** Ids of the special tokens by their text. */
  get specialTokens(): ReadonlyMap<string, number> {
    return new Map(this.vocabulary.specials.map(({ text, id }) => [text, id]));
  }

  /** The ids of a text, or of bytes, which need not be UTF-8. Lone surrogates in a string become U+FFFD. */
  encode(text: string | Uint8Array, options: EncodeOptions = {}): Uint32Array<ArrayBuffer> {
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    return this.newEncoding(options).flush(bytes);
  }

  /** The text of ids; what is not UTF-8 becomes U+FFFD. Throws as {@linkcode decodeBytes}. */
  decode(ids: Ids): string {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.decodeBytes(ids));
  }

  /**
   * The bytes of ids, one after the other, whether or not they are UTF-8.
   *
   * @throws {UserError} if an id is not in the vocabulary.
   */
  decodeBytes(ids: Ids): Uint8Array<ArrayBuffer> {
    const { tokens } = this.vocabulary;
    let length = 0;
    for (const id of ids) {
      const added = tokens.byteLength(id);
      if (!(added > 0)) {
        throw new UserError(
          `Cannot decode: got token id ${id}, must be one of this tokenizer's (below ${tokens.size}). Use the tokenizer that encoded it`,
        );
      }
      length += added;
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const id of ids) {
      bytes.set(tokens.get(id), at);
      at += tokens.byteLength(id);
    }
    return bytes;
  }

  /** A stream from UTF-8 text, in pieces cut anywhere, to arrays of ids. */
  encodeStream(options: EncodeOptions = {}): TransformStream<Uint8Array, Uint32Array<ArrayBuffer>> {
    const encoding = this.newEncoding(options);
    const enqueue = (ids: Uint32Array<ArrayBuffer>, controller: TransformStreamDefaultController) => {
      if (ids.length > 0) controller.enqueue(ids);
    };
    return new TransformStream({
      transform: (bytes, controller) => enqueue(encoding.push(bytes), controller),
      flush: (controller) => enqueue(encoding.flush(), controller),
    });
  }

  /** A stream from arrays of ids to text; a character whose bytes are not complete is held back. */
  decodeStream(): TransformStream<Ids, string> {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    const enqueue = (text: string, controller: TransformStreamDefaultController) => {
      if (text.length > 0) controller.enqueue(text);
    };
    return new TransformStream({
      transform: (ids, controller) => enqueue(decoder.decode(this.decodeBytes(ids), { stream: true }), controller),
      flush: (controller) => enqueue(decoder.decode(), controller),
    });
  }

  /** One text to be encoded, given in pieces: {@linkcode encodeStream} without the stream. */
  newEncoding(options: EncodeOptions = {}): TextEncoding {
    this.#encoder ??= new Encoder(this.vocabulary);
    return new TextEncoding(this.#encoder, options.specials === "text" ? NO_SPECIALS : this.#specials);
  }
}
