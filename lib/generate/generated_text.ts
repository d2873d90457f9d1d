import type { Tokenizer } from "../tokenizer/mod.ts";
import { untilStopString } from "./text_stream.ts";

/** Where a text ends, besides where its tokens do. */
export interface GeneratedTextOptions {
  /** A text, or several, that the text ends before. */
  readonly stop?: string | readonly string[];
}

/**
 * Token ids as text, while they are made: iterated over, it gives pieces; awaited, the whole. A character whose bytes are
 * not complete is held back, so that the pieces together are the text. It is read once: awaited after some pieces, it
 * gives what was left. Leaving the loop ends the text.
 *
 * @example
 * ```ts
 * import { trainBpe } from "../tokenizer/mod.ts";
 * import { GeneratedText } from "./generated_text.ts";
 *
 * const tokenizer = await trainBpe("low low lower", { vocabSize: 259 });
 * const made = async function* () {
 *   yield* tokenizer.encode("low lower. low");
 * };
 * console.log(await new GeneratedText(made(), tokenizer, { stop: "." })); // low lower
 * for await (const piece of new GeneratedText(made(), tokenizer)) console.log(piece);
 * ```
 */
export class GeneratedText implements AsyncIterable<string>, PromiseLike<string> {
  readonly #pieces: AsyncGenerator<string, void, void>;
  #whole: Promise<string> | undefined;

  /**
   * Nothing is read, or made, before this is.
   *
   * @param ids As `TextGenerator.generate` gives them.
   * @param tokenizer The one whose ids they are.
   */
  constructor(ids: AsyncIterable<number>, tokenizer: Tokenizer, { stop = [] }: GeneratedTextOptions = {}) {
    const stops = typeof stop === "string" ? [stop] : stop;
    this.#pieces = decoded(untilStopString(ids, (id) => tokenizer.decodeBytes([id]), stops));
  }

  /** The pieces, none of them empty. */
  [Symbol.asyncIterator](): AsyncGenerator<string, void, void> {
    return this.#pieces;
  }

  /** What `await` calls: waits for the end, and gives the text. Rejects as the ids' iterator does. */
  then<T = string, E = never>(
    onText?: ((text: string) => T | PromiseLike<T>) | null,
    onError?: ((reason: unknown) => E | PromiseLike<E>) | null,
  ): Promise<T | E> {
    this.#whole ??= Array.fromAsync(this.#pieces).then((pieces) => pieces.join(""));
    return this.#whole.then(onText, onError);
  }
}

/** UTF-8 in pieces as text; what is not UTF-8 becomes U+FFFD. */
async function* decoded(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for await (const bytes of pieces) {
    const text = decoder.decode(bytes, { stream: true });
    if (text !== "") yield text;
  }
  const rest = decoder.decode();
  if (rest !== "") yield rest;
}
