// A text that a run reads again and again: what the model then learns by heart instead of learning from it.
import { MAX_EPOCHS } from "./time_budget.ts";

/**
 * How many times a model that is trained by the modern recipe may see its text: with dropout, larger models that read it
 * fewer times in three minutes predicted text held out worse (data/benchmarks/README.md, one seed).
 */
export const MODERN_EPOCHS = 8;

/** Beyond so many times, twice as much is dropped. */
const MANY_EPOCHS = 16;

/**
 * The dropout for a text that is read so many times; the numbers come from single runs: see data/benchmarks/README.md.
 * Source of the idea: Srivastava et al. 2014, JMLR 15.
 */
export function dropoutFor(epochs: number): number {
  if (epochs > MANY_EPOCHS) return 0.2;
  return epochs > MAX_EPOCHS ? 0.1 : 0;
}
