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
  // Ties are broken by id, so that the choice does not depend on the sort's implementation.
  const ids = Uint32Array.from(weights.keys());
  if (topP < 1) ids.sort((a, b) => weights[b] - weights[a] || a - b);
  let kept = ids.length;
  if (topP < 1) {
    let sum = 0;
    kept = 0;
    while (kept < ids.length && sum < topP * total) sum += weights[ids[kept++]];
    total = sum;
  }
  let remaining = uniform * total;
  for (let i = 0; i < kept; i++) {
    remaining -= weights[ids[i]];
    if (remaining < 0) return ids[i];
  }
  // Rounding can leave a sliver at the end.
  return ids[kept - 1];
}
