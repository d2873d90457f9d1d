// How answers look in OpenAI's API: whole, or in chunks.
import type { Tokenizer } from "../../lib/tokenizer/mod.ts";
import type { AnswerEnd, AnswerToken } from "./answer_pieces.ts";

/** An answer that is complete. */
export interface WholeAnswer {
  readonly text: string;
  readonly tokens: readonly AnswerToken[];
  readonly finish: AnswerEnd["finish"];
}

/** Tokens that a request took. */
export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** One endpoint's way to say it. `undefined` tokens mean that log-probabilities were not asked for. */
export interface TextFormat {
  /** What an answer begins with, before its text; nothing, or the object of a chunk's choice. */
  readonly begin?: Readonly<Record<string, unknown>>;
  /** The word for a whole answer, and that for a chunk. */
  readonly object: string;
  readonly chunkObject: string;
  /** The beginning of ids. */
  readonly prefix: string;
  piece(text: string, tokens: readonly AnswerToken[] | undefined): Readonly<Record<string, unknown>>;
  /** The last chunk's choice. */
  readonly end: Readonly<Record<string, unknown>>;
  whole(text: string, tokens: readonly AnswerToken[] | undefined): Readonly<Record<string, unknown>>;
}

/** `/v1/completions`. */
export function completionFormat(tokenizer: Tokenizer): TextFormat {
  const piece = (text: string, tokens: readonly AnswerToken[] | undefined) => ({
    text,
    logprobs: tokens === undefined ? null : {
      tokens: tokens.map(({ id }) => tokenizer.decode([id])),
      token_logprobs: tokens.map(({ logprob }) => logprob),
      top_logprobs: tokens.map(({ likeliest }) =>
        Object.fromEntries(likeliest!.map(({ id, logprob }) => [tokenizer.decode([id]), logprob]))
      ),
    },
  });
  const object = "text_completion";
  return { object, chunkObject: object, prefix: "cmpl-", piece, whole: piece, end: { text: "", logprobs: null } };
}

/** `/v1/chat/completions`. */
export function chatFormat(tokenizer: Tokenizer): TextFormat {
  const named = (id: number, logprob: number) => {
    const bytes = tokenizer.decodeBytes([id]);
    return { token: new TextDecoder().decode(bytes), logprob, bytes: [...bytes] };
  };
  const logprobs = (tokens: readonly AnswerToken[] | undefined) =>
    tokens === undefined ? null : {
      content: tokens.map(({ id, logprob, likeliest }) => ({
        ...named(id, logprob!),
        top_logprobs: likeliest!.map(({ id, logprob }) => named(id, logprob)),
      })),
      refusal: null,
    };
  return {
    begin: { delta: { role: "assistant", content: "" }, logprobs: null },
    object: "chat.completion",
    chunkObject: "chat.completion.chunk",
    prefix: "chatcmpl-",
    piece: (content, tokens) => ({ delta: { content }, logprobs: logprobs(tokens) }),
    end: { delta: {}, logprobs: null },
    whole: (content, tokens) => ({
      message: { role: "assistant", content, refusal: null },
      logprobs: logprobs(tokens),
    }),
  };
}

/** Usage in OpenAI's words. */
export function usageOf({ promptTokens, completionTokens }: Usage): Readonly<Record<string, number>> {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}
