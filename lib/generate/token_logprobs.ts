/** A token that could have been chosen. */
export interface TokenLogprob {
  readonly id: number;
  /** The logarithm of its probability, at temperature 1. */
  readonly logprob: number;
}

/**
 * The log-probability of a token, and those of the likeliest, the likeliest first; of equal ones those with lower ids.
 * @param logits (vocabSize); −∞ for tokens that may not be drawn.
 * @param count How many of the likeliest.
 */
export function logprobsOf(
  logits: Float32Array,
  id: number,
  count: number,
): { readonly logprob: number; readonly likeliest: readonly TokenLogprob[] } {
  const best: number[] = [];
  let largest = -Infinity;
  for (let other = 0; other < logits.length; other++) {
    if (logits[other] > largest) largest = logits[other];
    if (best.length === count && !(count > 0 && logits[other] > logits[best[count - 1]])) continue;
    let place = best.length;
    while (place > 0 && logits[other] > logits[best[place - 1]]) place--;
    best.splice(place, 0, other);
    if (best.length > count) best.pop();
  }
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - largest);
  const logSum = largest + Math.log(sum);
  const of = (other: number) => ({ id: other, logprob: logits[other] - logSum });
  return { logprob: of(id).logprob, likeliest: best.map(of) };
}
