import type { SamplingOptions } from "../../lib/generate/sampling.ts";
import { largest } from "../harness/tolerance.ts";

/** A unit in the last place, relative to the number: at most this. */
const ULP = 2 ** -23;

/**
 * The token that follows: penalty, temperature, then the tokens that min-p, top-k and top-p leave, ranked by sorting,
 * and of these the one at which their cumulative distribution passes `uniform`: by rank with top-p, else by id.
 */
export function chooseToken(
  logits: ArrayLike<number>,
  context: readonly number[],
  options: SamplingOptions,
  uniform: number,
): number {
  const { temperature, topP, topK = Infinity, minP = 0, repetitionPenalty = 1 } = options;
  const scores = Array.from(logits, (logit, id) => {
    if (!context.includes(id)) return logit;
    return logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty;
  });
  const ranked = scores.map((score, id) => ({ score, id })).sort((a, b) => b.score - a.score || a.id - b.id);
  const best = ranked[0].score;
  if (temperature === 0) return ranked[0].id;

  // The logarithm of a weight: at high temperatures, weights themselves are 1 to all the digits that there are.
  const weighed = ranked.map(({ score, id }) => ({ id, log: (score - best) / temperature }));
  const kept = weighed.filter(({ log }) => log >= Math.log(minP)).slice(0, topK)
    .map(({ id, log }) => ({ id, weight: Math.exp(log) }));
  const sumOf = (tokens: readonly { weight: number }[]) => tokens.reduce((sum, { weight }) => sum + weight, 0);
  const walk = topP < 1 ? nucleus(kept, topP * sumOf(kept)) : kept.toSorted((a, b) => a.id - b.id);
  let remaining = uniform * sumOf(walk);
  return (walk.find(({ weight }) => (remaining -= weight) < 0) ?? walk.at(-1)!).id;
}

/** The first tokens that together weigh as much as `wanted`. */
function nucleus<T extends { readonly weight: number }>(ranked: readonly T[], wanted: number): readonly T[] {
  let sum = 0;
  const end = ranked.findIndex(({ weight }) => (sum += weight) >= wanted);
  return end < 0 ? ranked : ranked.slice(0, end + 1);
}

/**
 * How far WGSL's roundings may move a place in the distribution of `vocabSize` weights, or a bound, relative to all: a
 * weight exp(x) by 3 + 2·|x| units in the last place for the exponential and |x| for its argument. The mean of |x|, each
 * weighed by exp(x), is at most log(vocabSize), as an entropy is. Both ends of a comparison are off, and their sums, of
 * vocabSize / 256 + 8 terms after each other. A penalty's two roundings move scores, and so each weight.
 */
function placeSlack(logits: Float32Array, { temperature, repetitionPenalty = 1 }: SamplingOptions): number {
  const weights = 2 * (3 + 3 * Math.log(logits.length)) + logits.length / 256 + 8;
  // At temperatures near 0 one score or its equals have all the weight.
  const isMoved = repetitionPenalty !== 1 && temperature > 1e-6;
  return ULP * (weights + (isMoved ? 2 * largestScore(logits, repetitionPenalty) / temperature : 0));
}

/** How far they may move the score from which min-p keeps, where the penalty, the margin and the difference are rounded. */
function floorSlack(logits: Float32Array, { temperature, minP = 0, repetitionPenalty = 1 }: SamplingOptions): number {
  const margin = minP === 0 ? 0 : -temperature * Math.log(minP);
  return ULP * (margin + (repetitionPenalty === 1 ? 0 : 2 * largestScore(logits, repetitionPenalty)));
}

function largestScore(logits: Float32Array, penalty: number): number {
  return Math.max(penalty, 1 / penalty) * largest(logits);
}

/** The oracle's choice, unless rounding may decide otherwise. */
export function sureChoice(
  logits: Float32Array,
  context: readonly number[],
  options: SamplingOptions,
  uniform: number,
): number | undefined {
  const { temperature, topP, minP = 0 } = options;
  const id = chooseToken(logits, context, options, uniform);
  const place = placeSlack(logits, options);
  const factor = Math.exp(floorSlack(logits, options) / Math.max(temperature, 1e-30));
  for (const [u, p, m] of [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, factor], [0, 0, 1 / factor]]) {
    const moved = {
      ...options,
      topP: topP === 1 ? 1 : Math.min(topP * (1 + p * place), 1 - Number.EPSILON),
      // Only the likeliest are kept at 1, which no rounding changes; nothing is dropped at 0.
      minP: m === 0 || minP === 0 || minP === 1 ? minP : Math.min(minP * m, 1),
    };
    const nearby = Math.min(Math.max(uniform + u * place, 0), 1 - Number.EPSILON);
    if (chooseToken(logits, context, moved, nearby) !== id) return undefined;
  }
  return id;
}
