// A text that a run reads again and again: what the model then learns by heart instead of learning from it.
import { MAX_EPOCHS } from "./time_budget.ts";

/**
 * How many times a model that is trained by the modern recipe may see its text. With dropout, the largest one that reads it
 * eight times in its time left the lowest loss on text held out: see data/benchmarks/README.md.
 */
export const MODERN_EPOCHS = 8;

/** Times that a text is read, up to which this dropout is used: see data/benchmarks/README.md. */
const DROPOUTS: readonly (readonly [epochs: number, dropout: number])[] = [
  [MAX_EPOCHS, 0],
  [16, 0.1],
  [Infinity, 0.2],
];

/** The dropout for a text that is read so many times. Source of the idea: Srivastava et al. 2014, JMLR 15. */
export function dropoutFor(epochs: number): number {
  const [, dropout] = DROPOUTS.find(([most]) => !(epochs > most)) ?? DROPOUTS[0];
  return dropout;
}
