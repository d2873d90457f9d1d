// Weights for a vocabulary that has got more tokens.
import { sizeOf } from "./parameters.ts";
import type { WeightSource } from "./weights.ts";

/** The parameters that have a row, or a number, for each token. */
const ROWS_OF_TOKENS = ["token_embeddings.weight", "lm_head.weight", "lm_head.bias"];

/**
 * Weights for a Transformer whose vocabulary has got more tokens, after all others. Their rows are the mean of the others,
 * so that at first none of them is likelier, or means more, than a token does on average.
 *
 * Source: Hewitt, "Initializing New Word Embeddings for Pretrained Language Models" (2021).
 *
 * @param source The weights of the smaller vocabulary.
 * @param newTokens How many there are more: 1 or more.
 */
export function withNewTokens(source: WeightSource, newTokens: number): WeightSource {
  return async (name, shape) => {
    if (!ROWS_OF_TOKENS.includes(name)) return await source(name, shape);
    const [rows, ...rest] = shape;
    const had = await source(name, [rows - newTokens, ...rest]);
    const weights = new Float32Array(sizeOf({ name, shape }));
    weights.set(had);
    const width = weights.length / rows;
    for (let i = 0; i < width; i++) {
      let sum = 0;
      for (let at = i; at < had.length; at += width) sum += had[at];
      const mean = sum / (rows - newTokens);
      for (let at = had.length + i; at < weights.length; at += width) weights[at] = mean;
    }
    return weights;
  };
}
