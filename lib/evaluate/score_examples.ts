import type { Backend } from "../backend/backend.ts";
import { countExamples, exampleRowLength, longestExample } from "../dataset/example_batches.ts";
import type { Examples, TokenSource } from "../dataset/token_source.ts";
import { UserError } from "../errors.ts";
import { type LanguageModel, requireMembers } from "../model/language_model.ts";
import { inGroups, type Score, type ScoreOptions } from "./score.ts";
import { requireFinite, requireInVocabulary, Scorer } from "./scorer.ts";

/** Options for `scoreExamples`: those of `scoreTokens` but for the stride, since each example is one window. */
export interface ScoreExamplesOptions extends Omit<ScoreOptions, "stride" | "onProgress"> {
  /** Called with the number of examples scored so far. */
  readonly onProgress?: (examples: number) => void;
}

/**
 * Scores examples, each on its own from its first token on: of its tokens, only those count that are marked. Each takes a
 * row, and rows are as long as the longest example needs.
 *
 * @returns For each example, −log p of the tokens that count, added up, and how many they are. The first token has nothing
 *   before it, and never counts.
 * @throws {UserError} If there are no examples, one is longer than the context and one token more, a token is outside the
 *   model's vocabulary, or a loss is NaN or infinite; or if the weights alone take more memory than the backend can address.
 * @throws {OptionError} If the batch size is not a whole number of at least 1, or that many rows do not fit on the backend;
 *   or if the precision is f16 and the weights are kept in bf16 or int8.
 * @throws {Error} If weights are given, but this model is being trained on this backend.
 */
export async function scoreExamples(
  backend: Backend,
  model: LanguageModel,
  source: TokenSource,
  examples: Examples,
  options: ScoreExamplesOptions = {},
): Promise<Score[]> {
  requireMembers("score", model, "config", "parameters", "forward");
  const { contextLength, vocabSize } = model.config;
  const count = countExamples(examples);
  if (count === 0) throw new UserError(`Cannot score ${source.name}: got no examples, must be one or more`);
  const longest = longestExample(examples);
  if (longest > contextLength + 1) {
    throw new UserError(
      `Cannot score ${source.name}: got an example of ${longest} tokens, must be at most ${
        contextLength + 1
      }, one more ` +
        "than the model's context. Leave it out",
    );
  }
  const { batchSize = 8, precision, weights } = options;
  const seqLen = Math.max(1, exampleRowLength(examples, contextLength));
  using scorer = await Scorer.create(backend, model, { batchSize, seqLen, precision, weights });
  const scores: Score[] = [];
  for (const group of inGroups(Array.from({ length: count }, (_, i) => i), batchSize)) {
    options.signal?.throwIfAborted();
    for (const [row, example] of group.entries()) {
      const ids = await source.read(examples.starts[example], examples.starts[example + 1]);
      requireInVocabulary(ids, vocabSize, source.name);
      // What an earlier example left behind these is seen by none of them.
      scorer.setRow(row, ids.subarray(0, -1), ids.subarray(1));
    }
    const losses = await scorer.losses();
    for (const [row, example] of group.entries()) {
      const [start, end] = [examples.starts[example], examples.starts[example + 1]];
      let nats = 0;
      let tokens = 0;
      for (let at = start + 1; at < end; at++) {
        if (examples.counted[at] === 0) continue;
        nats += losses[row * seqLen + at - start - 1];
        tokens++;
      }
      requireFinite(nats, source.name);
      scores.push({ nats, tokens });
    }
    options.onProgress?.(scores.length);
  }
  return scores;
}
