// The text of one answer, piece by piece, with the tokens that it is made of.
import type { BatchText, BatchToken } from "../../lib/generate/batch_text.ts";
import { untilStopString } from "../../lib/generate/text_stream.ts";
import type { Tokenizer } from "../../lib/tokenizer/mod.ts";

/** A token, and where its text begins in the answer. */
export interface AnswerToken extends BatchToken {
  /** In bytes of UTF-8. */
  readonly offset: number;
}

/** More of the text, and the tokens that begin in it. */
export interface AnswerPiece {
  readonly text: string;
  readonly tokens: readonly AnswerToken[];
}

/** How an answer ended. */
export interface AnswerEnd {
  /** In OpenAI's words: at its end or a stop string, or at its most tokens. */
  readonly finish: "stop" | "length";
  /** Tokens that were made for it, those of the stop string included. */
  readonly tokens: number;
}

/**
 * Reads a text until it ends or a stop string begins. An incomplete character is held back, and so is what may become a
 * stop string.
 * @returns How it ended; at a stop string the text is cancelled.
 */
export async function* answerPieces(
  text: BatchText,
  tokenizer: Tokenizer,
  stops: readonly string[],
): AsyncGenerator<AnswerPiece, AnswerEnd, void> {
  const held: AnswerToken[] = [];
  let bytesMade = 0;
  let tokens = 0;
  let released = 0;
  let isStopped = true;
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const bytesOf = (id: number) => tokenizer.decodeBytes([id]);
  const ids = async function* () {
    for await (const token of text) {
      held.push({ ...token, offset: bytesMade });
      tokens++;
      bytesMade += bytesOf(token.id).length;
      yield token.id;
    }
    isStopped = false;
  };
  const piece = (part: string): AnswerPiece => {
    const ready = held.findIndex(({ offset }) => offset >= released);
    return { text: part, tokens: held.splice(0, ready < 0 ? held.length : ready) };
  };
  for await (const bytes of untilStopString(ids(), bytesOf, stops)) {
    released += bytes.length;
    const next = piece(decoder.decode(bytes, { stream: true }));
    if (next.text !== "" || next.tokens.length > 0) yield next;
  }
  const rest = decoder.decode();
  if (rest !== "") yield piece(rest);
  return { finish: isStopped || text.finish === "stop" ? "stop" : "length", tokens };
}
