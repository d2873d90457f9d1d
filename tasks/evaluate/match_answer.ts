/**
 * How an answer compares with what it should be: it says the same, or something else; or it said the same so far, but was
 * cut off before it ended.
 */
export type AnswerMatch = "same" | "other" | "unfinished";

/** What an answer is compared with, and how. */
export interface MatchOptions {
  /** What it should say; white space around it does not count. */
  readonly expected: string;
  /** The bytes that an id stands for. */
  readonly bytesOf: (id: number) => Uint8Array;
  /** An answer of so many tokens was cut off. */
  readonly maxTokens: number;
}

/**
 * Compares an answer while it is made, and reads no further than it is the same.
 *
 * @param ids The answer's, without the one that ends it.
 */
export async function matchAnswer(
  ids: AsyncIterable<number>,
  { expected, bytesOf, maxTokens }: MatchOptions,
): Promise<AnswerMatch> {
  const wanted = expected.trim();
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let [text, tokens] = ["", 0];
  for await (const id of ids) {
    // What is left of a character comes with the next token.
    text += decoder.decode(bytesOf(id), { stream: true });
    const said = text.trimStart();
    if (!wanted.startsWith(said) && said.trimEnd() !== wanted) return "other";
    tokens++;
  }
  if (tokens >= maxTokens) return "unfinished";
  return (text + decoder.decode()).trim() === wanted ? "same" : "other";
}
