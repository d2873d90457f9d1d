import { addResult, isOf, type LearningResult, readResults } from "./results.ts";
import type { Variant } from "./variants.ts";

/** What is to be trained, and how. */
export interface TrainMissingOptions {
  readonly variants: readonly Variant[];
  /** Of each variant: 0 to one less than this. */
  readonly seeds: number;
  /** In words, as results know it. */
  readonly length: string;
  /** The file of results. */
  readonly path: string;
  /** One training, to its end. */
  readonly train: (variant: Variant, seed: number) => Promise<LearningResult>;
}

/**
 * Trains each variant with each seed that has no result yet, and keeps each result as it comes.
 * @returns Each variant's results with these seeds, old and new.
 */
export async function trainMissing(options: TrainMissingOptions): Promise<LearningResult[][]> {
  const { variants, seeds, length, path, train } = options;
  const resultsOf = async (variant: Variant) =>
    (await readResults(path)).filter((result) => isOf(result, variant, length) && result.seed < seeds);
  // By seeds first: noise that comes and goes falls on all variants.
  for (let seed = 0; seed < seeds; seed++) {
    for (const variant of variants) {
      if ((await resultsOf(variant)).some((result) => result.seed === seed)) continue;
      await addResult(path, await train(variant, seed));
    }
  }
  return await Promise.all(variants.map(resultsOf));
}
