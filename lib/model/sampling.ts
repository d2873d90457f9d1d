/** How the next token is chosen from the logits. */
export interface SamplingOptions {
  /** Divides the logits; 0 takes the most likely token. */
  readonly temperature: number;
  /** Keep the most likely tokens whose probabilities reach this sum; 1 keeps all. */
  readonly topP: number;
}

/**
 * @throws {RangeError} If the temperature is negative or not finite, or topP is not in (0, 1].
 */
export function validateSampling({ temperature, topP }: SamplingOptions): void {
  if (!(temperature >= 0 && temperature < Infinity)) {
    throw new RangeError(`Cannot sample: got temperature ${temperature}, must be 0 or more`);
  }
  if (!(topP > 0 && topP <= 1)) throw new RangeError(`Cannot sample: got topP ${topP}, must be above 0 and at most 1`);
}

/**
 * Chooses a token id.
 *
 * @param logits (vocabSize)
 * @param uniform A random number in [0, 1).
 *
 * Source: Holtzman et al. 2019, arXiv:1904.09751, for top-p (nucleus) sampling.
 */
export function sampleToken(logits: Float32Array, { temperature, topP }: SamplingOptions, uniform: number): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id] > logits[best]) best = id;
  if (temperature === 0) return best;

  const weights = new Float64Array(logits.length);
  let total = 0;
  for (let id = 0; id < logits.length; id++) {
    weights[id] = Math.exp((logits[id] - logits[best]) / temperature);
    total += weights[id];
  }
  if (topP < 1) return sampleNucleus(weights, total, topP, uniform);
  let remaining = uniform * total;
  for (let id = 0; id < weights.length; id++) {
    remaining -= weights[id];
    if (remaining < 0) return id;
  }
  // Rounding can leave a sliver at the end.
  return weights.length - 1;
}

/**
 * Samples from the smallest set of the heaviest ids whose weights reach `topP · total`. The heaviest come first, equal
 * weights by id, so that the choice is the same everywhere.
 */
function sampleNucleus(weights: Float64Array, total: number, topP: number, uniform: number): number {
  // All weights below this add up to less than what may be left out, so none of them is in the set, which spares most
  // of the sort: numbers alone, because a sort that calls back for ids takes longer than the model.
  const floor = (1 - topP) * total / weights.length;
  const sorted = weights.filter((weight) => weight >= floor).sort().reverse();
  let sum = 0;
  let kept = 0;
  while (kept < sorted.length && sum < topP * total) sum += sorted[kept++];
  let remaining = uniform * sum;
  let rank = 0;
  // Rounding can leave a sliver at the end, which is the last one's.
  while (rank < kept - 1 && (remaining -= sorted[rank]) >= 0) rank++;
  let id = -1;
  for (let ties = rank - sorted.indexOf(sorted[rank]); ties >= 0; ties--) id = weights.indexOf(sorted[rank], id + 1);
  return id;
}
