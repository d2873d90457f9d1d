import { option, OptionError, say, UserError } from "../errors.ts";

/** Options for choosing the next token from the logits. */
export interface SamplingOptions {
  /** Divides the logits. 0 takes the most likely token. */
  readonly temperature: number;
  /** Keeps the most likely tokens until their probabilities reach this sum; 1 keeps all. */
  readonly topP: number;
  /** Keeps this many of the most likely tokens. Default: all. */
  readonly topK?: number;
  /** Keeps tokens that are at least this many times as likely as the most likely one; 0 (the default) keeps all. */
  readonly minP?: number;
  /**
   * Divides the positive logits, and multiplies the negative logits, of tokens that are already in the context. From
   * 10⁻⁶ to 10⁶; 1 by default.
   */
  readonly repetitionPenalty?: number;
}

/**
 * Checks sampling options.
 *
 * @throws {OptionError} If an option cannot work, naming the first one and what it must be.
 */
export function validateSampling(options: SamplingOptions): void {
  const { temperature, topP, topK = 1, minP = 0, repetitionPenalty = 1 } = options;
  const check = (name: keyof SamplingOptions, isValid: boolean, mustBe: string) => {
    if (!isValid) {
      throw new OptionError(say`Cannot sample: got ${option(name)} ${String(options[name])}, must be ${mustBe}`);
    }
  };
  check("temperature", temperature >= 0 && temperature < Infinity, "0 or more");
  check("topP", topP > 0 && topP <= 1, "above 0 and at most 1");
  check("topK", Number.isSafeInteger(topK) && topK >= 1, "a whole number above 0");
  check("minP", minP >= 0 && minP <= 1, "from 0 to 1");
  const isPenalty = repetitionPenalty >= 1 / LARGEST_PENALTY && repetitionPenalty <= LARGEST_PENALTY;
  check("repetitionPenalty", isPenalty, `from ${1 / LARGEST_PENALTY} to ${LARGEST_PENALTY}`);
}

/** Thrown if no token can be chosen. */
export class NoTokenError extends UserError {
  /** What a stack trace calls it. */
  override readonly name = "NoTokenError";

  constructor() {
    super(
      "Cannot choose a token: got logits that are NaN or infinite, must be finite numbers. " +
        "The model's weights are damaged, or its training diverged: use weights from before that",
    );
  }
}

/** A token penalised this much is never drawn again. With more, logits would leave the range of f32. */
const LARGEST_PENALTY = 1e6;

/** The largest f32. */
const LARGEST_LOGIT = 3.4028234663852886e38;

/** With a larger factor, scores would not be finite in f32; a temperature this low takes the likeliest token anyway. */
const LARGEST_INVERSE_TEMPERATURE = 1e30;

/** 1 / temperature must not round to 0 in f32, because 0 stands for temperature 0. */
const SMALLEST_INVERSE_TEMPERATURE = 1e-30;

/** The largest f32 below 1, so that only a topP of exactly 1 switches the nucleus off, whatever rounding does. */
const LARGEST_TOP_P = 1 - 2 ** -24;

/**
 * How far below the largest logit another may lie and still be kept: exp(−margin / temperature) = minP. So min-p
 * compares logits, not weights: ties, and what stays at a minP of 1, do not depend on how exponentials are rounded.
 */
function minPMargin({ temperature, minP = 0 }: SamplingOptions): number {
  return minP === 0 ? Infinity : -temperature * Math.log(minP);
}

/** The options as numbers in the order of `SAMPLING_OPTIONS`, for the device. */
export function encodeSampling(options: SamplingOptions): number[] {
  const { temperature, topP, topK = Infinity, repetitionPenalty = 1 } = options;
  return [
    temperature === 0
      ? 0
      : Math.max(SMALLEST_INVERSE_TEMPERATURE, Math.min(1 / temperature, LARGEST_INVERSE_TEMPERATURE)),
    Math.min(topK, Number.MAX_SAFE_INTEGER),
    Math.min(minPMargin(options), LARGEST_LOGIT),
    topP === 1 ? 1 : Math.min(topP, LARGEST_TOP_P),
    repetitionPenalty,
    1 / repetitionPenalty,
  ];
}

/**
 * Makes tokens that have occurred less likely, in place.
 * Source: Keskar et al. 2019, arXiv:1909.05858.
 */
export function penalizeRepetition(logits: Float32Array, seen: Iterable<number>, penalty: number): void {
  for (const id of new Set(seen)) {
    const logit = logits[id];
    if (!Number.isFinite(logit)) continue;
    logits[id] = Math.max(-LARGEST_LOGIT, Math.min(LARGEST_LOGIT, logit * (logit > 0 ? 1 / penalty : penalty)));
  }
}

/**
 * Chooses a token id: from the topK likeliest, those that minP leaves, and of these the nucleus given by topP.
 *
 * @param logits (vocabSize); −∞ for tokens that may not be drawn.
 * @param uniform A random number in [0, 1).
 * @throws {NoTokenError} If a logit is NaN or ∞, or all are −∞.
 *
 * Source: Holtzman et al. 2019, arXiv:1904.09751, for top-p (nucleus) sampling; Fan et al. 2018, arXiv:1805.04833, for
 * top-k; Nguyen et al. 2024, arXiv:2407.01082, for min-p.
 */
export function sampleToken(logits: Float32Array, options: SamplingOptions, uniform: number): number {
  const { temperature, topP, topK = Infinity } = options;
  const best = likeliest(logits);
  if (temperature === 0) return best;

  const scores = logits.slice();
  dropBelow(scores, logits[best] - minPMargin(options));
  if (topK < scores.length) keepLikeliest(scores, topK);
  const weigh = (score: number) => Math.exp((score - logits[best]) / temperature);
  const weights = new Float64Array(scores.length);
  let total = 0;
  for (let id = 0; id < weights.length; id++) {
    weights[id] = weigh(scores[id]);
    total += weights[id];
  }
  if (topP < 1) {
    // All weights below this add up to less than may be left out, so none of them is in the nucleus.
    const floor = (1 - topP) * total / weights.length;
    return sampleNucleus(scores, scores.filter((_, id) => weights[id] >= floor), weigh, topP * total, uniform);
  }
  let remaining = uniform * total;
  for (let id = 0; id < weights.length; id++) {
    remaining -= weights[id];
    if (remaining < 0) return id;
  }
  // Rounding can leave a sliver at the end.
  return weights.findLastIndex((weight) => weight > 0);
}

/** The first of the largest logits. Checks all of them for values that no sound model computes. */
function likeliest(logits: Float32Array): number {
  let best = -1;
  let largest = -Infinity;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id];
    if (logit <= largest) continue;
    // Larger, or NaN, which is neither larger nor smaller.
    if (!(logit < Infinity)) throw new NoTokenError();
    best = id;
    largest = logit;
  }
  if (best < 0) throw new NoTokenError();
  return best;
}

/** Sets what is below a floor to −∞, which has weight 0. */
function dropBelow(scores: Float32Array, floor: number): void {
  for (let id = 0; id < scores.length; id++) if (scores[id] < floor) scores[id] = -Infinity;
}

/** Sets all but the `count` largest scores to −∞; among equal ones, those with lower ids stay. */
function keepLikeliest(scores: Float32Array, count: number): void {
  const lightest = scores.toSorted()[scores.length - count];
  let ties = count;
  for (const score of scores) if (score > lightest) ties--;
  for (let id = 0; id < scores.length; id++) {
    if (scores[id] < lightest || (scores[id] === lightest && ties-- <= 0)) scores[id] = -Infinity;
  }
}

/**
 * Samples from the smallest set of the likeliest ids whose weights reach `wanted`. The likeliest come first, equal ones
 * by id, so that the choice is the same everywhere.
 *
 * @param candidates All scores that can be in the set, in any order; sorted here, without ids, because a sort that calls
 * back for ids takes longer than the model.
 */
function sampleNucleus(
  scores: Float32Array,
  candidates: Float32Array,
  weigh: (score: number) => number,
  wanted: number,
  uniform: number,
): number {
  const sorted = candidates.sort().reverse();
  let sum = 0;
  let kept = 0;
  while (kept < sorted.length && sum < wanted) sum += weigh(sorted[kept++]);
  let remaining = uniform * sum;
  let rank = 0;
  // Rounding can leave a sliver at the end, which is the last one's.
  while (rank < kept - 1 && (remaining -= weigh(sorted[rank])) >= 0) rank++;
  let id = -1;
  for (let ties = rank - sorted.indexOf(sorted[rank]); ties >= 0; ties--) id = scores.indexOf(sorted[rank], id + 1);
  return id;
}
