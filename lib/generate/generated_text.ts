import type { Tokenizer } from "../tokenizer/mod.ts";
import { untilStopString } from "./text_stream.ts";

/** Options for where a text ends. */
export interface GeneratedTextOptions {
  /** One or several stop strings; the text ends before the first that occurs. */
  readonly stop?: string | readonly string[];
}

/**
 * Token ids as text, while they are made. Iterate over it for pieces, or await it for the whole text. An incomplete
 * character is held back, so that the pieces together are the text. It can be read only once: if you await it after
 * some pieces, it gives the rest. Leaving the loop ends the text.
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
   * Nothing is read or generated until this is read.
   *
   * @param ids As `TextGenerator.generate` gives them.
   * @param tokenizer The tokenizer of these ids.
   */
  constructor(ids: AsyncIterable<number>, tokenizer: Tokenizer, { stop = [] }: GeneratedTextOptions = {}) {
    const stops = typeof stop === "string" ? [stop] : stop;
    this.#pieces = decoded(untilStopString(ids, (id) => tokenizer.decodeBytes([id]), stops));
  }

  /** The pieces, none of them empty. */
  [Symbol.asyncIterator](): AsyncGenerator<string, void, void> {
    return this.#pieces;
  }

  /** Called by `await`: waits for the end and gives the text. Rejects if the ids' iterator does. */
  then<T = string, E = never>(
    onText?: ((text: string) => T | PromiseLike<T>) | null,
    onError?: ((reason: unknown) => E | PromiseLike<E>) | null,
  ): Promise<T | E> {
    this.#whole ??= Array.fromAsync(this.#pieces).then((pieces) => pieces.join(""));
    return this.#whole.then(onText, onError);
  }
}

/** Decodes UTF-8 in pieces; what is not UTF-8 becomes U+FFFD. */
async function* decoded(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for await (const bytes of pieces) {
    const text = decoder.decode(bytes, { stream: true });
    if (text !== "") yield text;
  }
  const rest = decoder.decode();
  if (rest !== "") yield rest;
}
