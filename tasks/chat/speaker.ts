// What a person talks to: a model that answers, or one that completes text.
import type { Tokenizer } from "../../lib/tokenizer/mod.ts";
import type { GenerateOptions, TextGenerator } from "../../lib/generate/generator.ts";
import type { SamplingOptions } from "../../lib/generate/sampling.ts";
import { untilStopString } from "../../lib/generate/text_stream.ts";
import { UserError } from "../cli/errors.ts";

/** What speaks: a `LoadedModel`, or its parts. */
export interface SpeakingModel {
  readonly generator: Pick<TextGenerator, "generate" | "cachedPrefix">;
  readonly tokenizer: Tokenizer;
  readonly config: { readonly contextLength: number };
  /** The ids at which its texts end. */
  readonly stopIds: readonly number[];
}

/** How a model answers. */
export interface SpeakerOptions {
  readonly sampling: SamplingOptions;
  /** The most new tokens of an answer. */
  readonly maxTokens: number;
  /** Decides every choice of the first answer; later ones count up from it. */
  readonly seed: number;
  /** Answers end before these. */
  readonly stopStrings?: readonly string[];
  /** Called with what a person should know, a sentence without its full stop. */
  readonly onNote: (note: string) => void;
  /** Called after each answer. */
  readonly onFigures?: (figures: AnswerFigures) => void;
}

/** What a person talks to. It gives one answer at a time. */
export interface Speaker {
  /**
   * The answer to a text, piece by piece: bytes, which may end within a character. What was said before the signal is
   * aborted, or the reader leaves, stays in the conversation.
   *
   * @throws {UserError} If the text does not fit the model's window. The conversation is then as before.
   */
  answer(text: string, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, void>;

  /** Takes the last text and its answer back; `undefined` if there is none. */
  takeBack(): string | undefined;

  /** Forgets the conversation. */
  reset(): void;

  /** The conversation as lines of JSON, for a file to fine-tune on; empty if nothing was said. */
  record(): string;
}

/** How one answer came about. */
export interface AnswerFigures {
  /** Tokens of the prompt. */
  readonly promptTokens: number;
  /** Those of them that were in the cache. */
  readonly cachedTokens: number;
  readonly answerTokens: number;
  /** Seconds to the first token, and from there to the last. */
  readonly firstSeconds: number;
  readonly restSeconds: number;
}

/** An answer that has ended. */
export interface Spoken {
  readonly text: string;
  readonly figures: AnswerFigures;
}

/**
 * Generates what follows some ids, with what the cache holds of them, as bytes.
 *
 * @param onEnd Called when it has ended, in whatever way but by an error.
 * @throws {UserError} If there are no ids.
 */
export async function* speak(
  { generator, tokenizer }: SpeakingModel,
  ids: readonly number[],
  options: GenerateOptions,
  stopStrings: readonly string[],
  onEnd: (spoken: Spoken) => void,
): AsyncGenerator<Uint8Array, void, void> {
  if (ids.length === 0) {
    throw new UserError("Cannot answer: got a text that makes no tokens, must make at least one. Write another");
  }
  const begin = performance.now();
  const promptTokens = ids.length;
  const cachedTokens = Math.min(generator.cachedPrefix(ids), promptTokens - 1);
  let first: number | undefined;
  let answerTokens = 0;
  const counted = async function* () {
    for await (const id of generator.generate(ids, { ...options, reusePrefix: true })) {
      first ??= performance.now();
      answerTokens++;
      yield id;
    }
  };
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let text = "";
  let hasFailed = false;
  try {
    for await (const bytes of untilStopString(counted(), (id) => tokenizer.decodeBytes([id]), stopStrings)) {
      text += decoder.decode(bytes, { stream: true });
      yield bytes;
    }
  } catch (error) {
    hasFailed = true;
    throw error;
  } finally {
    const end = performance.now();
    const firstSeconds = ((first ?? end) - begin) / 1000, restSeconds = (end - (first ?? end)) / 1000;
    const figures = { promptTokens, cachedTokens, answerTokens, firstSeconds, restSeconds };
    if (!hasFailed) onEnd({ text: text + decoder.decode(), figures });
  }
}
