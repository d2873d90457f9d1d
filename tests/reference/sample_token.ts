import type { SamplingOptions } from "../../lib/model/sampling.ts";

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

  const weighed = ranked.map(({ score, id }) => ({ id, weight: Math.exp((score - best) / temperature) }));
  const kept = weighed.filter(({ weight }) => weight >= minP).slice(0, topK);
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
