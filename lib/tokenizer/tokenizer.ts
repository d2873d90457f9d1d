// The tokenizer: text to ids and back.
import { UserError } from "../errors.ts";
import { Encoder } from "./encode/encoder.ts";
import { type EncodeOptions, type SpecialTokens } from "./pretokenize/special_tokens.ts";
import { specialsFor } from "./encode/text_preparation.ts";
import { encodingSplitter, TextEncoding } from "./encode/text_encoding.ts";
import { countIds } from "./token_count.ts";
import { chatTemplatesOf } from "./chat_templates.ts";
import type { AroundIds } from "./vocabulary/post_processor_json.ts";
import type { Vocabulary } from "./vocabulary/vocabulary.ts";

export type { EncodeOptions } from "./pretokenize/special_tokens.ts";

/** Token ids. */
export type Ids = Uint16Array | Uint32Array | readonly number[];

/**
 * A byte-level BPE tokenizer.
 *
 * @example
 * ```ts
 * import { trainBpe } from "./mod.ts";
 *
 * const tokenizer = await trainBpe("low low low lower lowest", { vocabSize: 260, specialTokens: ["<|endoftext|>"] });
 * const ids = tokenizer.encode("low<|endoftext|>");
 * console.log(tokenizer.decode(ids)); // low<|endoftext|>
 *
 * const buffer = new Uint16Array(1000);
 * console.log(tokenizer.encodeInto("low low", buffer) === tokenizer.countTokens("low low")); // true
 * console.log(tokenizer.countTokens("low ".repeat(1e6), 100) <= 100); // false: it does not fit into 100 tokens
 * ```
 */
export class Tokenizer {
  /** The tokens, merges and special tokens, which are also what its files hold. Do not change it. */
  readonly vocabulary: Vocabulary;
  #encoder: Encoder | undefined;
  readonly #specials: SpecialTokens;
  #noSpecials: SpecialTokens | undefined;

  /** Uses the vocabulary as it is. To get a tokenizer, see {@linkcode loadTokenizer} and {@linkcode trainBpe}. */
  constructor(vocabulary: Vocabulary) {
    this.vocabulary = vocabulary;
    this.#specials = specialsFor(vocabulary, {});
  }

  /** One more than the highest id: the number of rows that an embedding needs. */
  get vocabSize(): number {
    return this.vocabulary.tokens.size;
  }

  /** Whether an id belongs to a token: there can be gaps below `vocabSize`. */
  hasToken(id: number): boolean {
    return this.vocabulary.tokens.byteLength(id) > 0;
  }

  /**
   * The templates for chats that came with the tokenizer, by name; the usual one is `default`. They are text in Jinja's
   * language, which is not run here.
   */
  get chatTemplates(): Readonly<Record<string, string>> {
    return chatTemplatesOf(this.vocabulary.config);
  }

  /** The ids of the special tokens, by their text. */
  get specialTokens(): ReadonlyMap<string, number> {
    return new Map(this.vocabulary.specials.map(({ text, id }) => [text, id]));
  }

  /** The ids of a text, or of bytes, which need not be UTF-8. Lone surrogates in a string become U+FFFD. */
  encode(text: string | Uint8Array, options: EncodeOptions = {}): Uint32Array<ArrayBuffer> {
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    return this.newEncoding(options).flush(bytes);
  }

  /**
   * Encodes into your own array, from its start on.
   *
   * @returns The number of ids. The rest of the array is left as it was.
   * @throws {RangeError} If the array is too small for all ids; some are in it then. Or, before anything is written, if
   *   it
   *   is a `Uint16Array` and the vocabulary has ids above 65,535.
   */
  encodeInto(text: string | Uint8Array, target: Uint16Array | Uint32Array, options: EncodeOptions = {}): number {
    if (target instanceof Uint16Array && this.vocabSize > 2 ** 16) {
      throw new RangeError(
        `Cannot encode into a Uint16Array: got a vocabulary of ${this.vocabSize} tokens, must be at most 65536. Use a Uint32Array`,
      );
    }
    let count = 0;
    const put = (ids: ArrayLike<number> & { readonly length: number }) => {
      if (count + ids.length > target.length) {
        throw new RangeError(
          `Cannot encode: got a target with room for ${target.length} ids, must hold all of the text's. Count them first`,
        );
      }
      target.set(ids, count);
      count += ids.length;
    };
    const around = this.#aroundFor(options);
    const splitter = encodingSplitter(this.#usedEncoder, this.#specialsFor(options), put);
    put(around?.before ?? []);
    splitter.flush(typeof text === "string" ? new TextEncoder().encode(text) : text);
    put(around?.after ?? []);
    return count;
  }

  /**
   * The number of ids that {@linkcode encode} returns for a text. With a limit, encoding stops once it is exceeded:
   * `countTokens(text, limit) <= limit` tells whether the text fits.
   *
   * @param limit 0 or more. Default: none.
   * @returns The number, or `limit + 1` if it exceeds `limit`.
   * @throws {RangeError} If the limit is negative or NaN.
   */
  countTokens(text: string | Uint8Array, limit = Infinity, options: EncodeOptions = {}): number {
    const around = this.#aroundFor(options);
    const numAround = around === undefined ? 0 : around.before.length + around.after.length;
    return countIds(this.#usedEncoder, this.#specialsFor(options), text, limit, numAround);
  }

  /** The text of ids; what is not UTF-8 becomes U+FFFD. Throws as {@linkcode decodeBytes} does. */
  decode(ids: Ids): string {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.#stripped(this.decodeBytes(ids)));
  }

  /**
   * The bytes of ids, one after the other, whether or not they are UTF-8. For a SentencePiece model, a text begins with a
   * space that {@linkcode decode} leaves out.
   *
   * @throws {UserError} If an id is not in the vocabulary.
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

  /** Bytes without the space that is put before a text, where the tokenizer puts one there. */
  #stripped(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    return this.vocabulary.sentencePieces?.stripsSpace === true && bytes[0] === 0x20 ? bytes.subarray(1) : bytes;
  }

  /** A stream from UTF-8 text (in pieces cut anywhere) to arrays of ids. */
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

  /** A stream from arrays of ids to text; an incomplete character is held back. */
  decodeStream(): TransformStream<Ids, string> {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    let isFirst = true;
    const enqueue = (text: string, controller: TransformStreamDefaultController) => {
      if (text.length > 0) controller.enqueue(text);
    };
    const bytesOf = (ids: Ids) => {
      const bytes = this.decodeBytes(ids);
      if (!isFirst || bytes.length === 0) return bytes;
      isFirst = false;
      return this.#stripped(bytes);
    };
    return new TransformStream({
      transform: (ids, controller) => enqueue(decoder.decode(bytesOf(ids), { stream: true }), controller),
      flush: (controller) => enqueue(decoder.decode(), controller),
    });
  }

  /**
   * Encodes one text that is given in pieces: {@linkcode encodeStream} without the stream.
   *
   * @param ends Whether the text ends with its last piece, and does not go on elsewhere. Default: true.
   */
  newEncoding(options: EncodeOptions = {}, ends = true): TextEncoding {
    const around = this.#aroundFor(options);
    const used = around === undefined || ends ? around : { before: around.before, after: [] };
    return new TextEncoding(this.#usedEncoder, this.#specialsFor(options), used);
  }

  /** Made at first use, because a tokenizer that only decodes needs none. */
  get #usedEncoder(): Encoder {
    return this.#encoder ??= new Encoder(this.vocabulary);
  }

  #aroundFor({ addSpecial }: EncodeOptions): AroundIds | undefined {
    return addSpecial === true ? this.vocabulary.around : undefined;
  }

  #specialsFor(options: EncodeOptions): SpecialTokens {
    const { specials, documentSeparator } = options;
    if (documentSeparator === undefined) {
      return specials === "text" ? this.#noSpecials ??= specialsFor(this.vocabulary, options) : this.#specials;
    }
    if (this.hasToken(documentSeparator.id)) return specialsFor(this.vocabulary, options);
    throw new RangeError(
      `Cannot encode a document separator: got id ${documentSeparator.id}, must be one of the tokenizer's (below ${this.vocabSize})`,
    );
  }
}
