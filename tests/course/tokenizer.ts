// The course's adapters for the tokenizer.
import { createTokenizer, type Tokenizer, trainBpe } from "@bytelm/bytelm";

type Merge = readonly [left: Uint8Array, right: Uint8Array];

/** A tokenizer of a vocabulary and merges in memory. */
export const getTokenizer = (
  vocab: ReadonlyMap<number, Uint8Array>,
  merges: readonly Merge[],
  specialTokens: readonly string[],
): Tokenizer => createTokenizer({ vocab, merges, specialTokens });

/** The ids of pieces of text, as they come. */
export async function* encodeIterable(tokenizer: Tokenizer, pieces: Iterable<string>): AsyncGenerator<number> {
  const bytes = ReadableStream.from(pieces).pipeThrough(new TextEncoderStream());
  for await (const ids of bytes.pipeThrough(tokenizer.encodeStream())) yield* ids;
}

/** Trains on a text file, and gives the vocabulary and the merges. */
export async function runTrainBpe(
  path: string,
  vocabSize: number,
  specialTokens: readonly string[],
): Promise<{ readonly vocab: ReadonlyMap<number, Uint8Array>; readonly merges: readonly Merge[] }> {
  const { tokens, merges } = (await trainBpe({ path }, { vocabSize, specialTokens })).vocabulary;
  const vocab = new Map(Array.from({ length: tokens.size }, (_, id) => [id, tokens.get(id)]));
  const pairs = Array.from(
    { length: merges.length / 3 },
    (_, i): Merge => [tokens.get(merges[3 * i]), tokens.get(merges[3 * i + 1])],
  );
  return { vocab, merges: pairs };
}
