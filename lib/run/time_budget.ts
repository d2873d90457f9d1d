import { TOKENS_PER_PARAMETER } from "../accounting/time.ts";

/** How long the parts of a run take on a device, in seconds. */
export interface RunCosts {
  /** One training step. */
  readonly step: number;
  /** One validation, with the weights that it may write. */
  readonly validation: number;
  /** One checkpoint, written to disk. */
  readonly checkpoint: number;
  /** One sample of the model's text. */
  readonly sample: number;
}

/** How often a run validates, saves and samples; it also does each at its end. */
export interface Intervals {
  /** Steps between two validations. */
  readonly validEvery: number;
  /** Steps between two checkpoints. */
  readonly saveEvery: number;
  /** Steps between two samples; 0 (the default) for none. */
  readonly sampleEvery?: number;
}

/** A model that could be trained, and its measurements. */
export interface Candidate {
  /** Trainable elements. */
  readonly parameters: number;
  /** Tokens per step. */
  readonly tokensPerStep: number;
  /** How long its parts take, in seconds. */
  readonly costs: RunCosts;
}

/** The time and tokens there are to train with. */
export interface Resources extends Intervals {
  /** For training, including validations, checkpoints and samples. */
  readonly seconds: number;
  /** Distinct tokens to train on. */
  readonly corpusTokens: number;
  /** How many times a chosen model may see them; default: `MAX_EPOCHS`. */
  readonly maxEpochs?: number;
}

/**
 * How many times a chosen model may see its corpus: up to four times, repeated tokens are worth nearly as much as new
 * ones.
 * Source: Muennighoff et al. 2023, arXiv:2305.16264.
 */
export const MAX_EPOCHS = 4;

/** The share of a given time that is kept in reserve, because a run is never as steady as a measurement. */
export const RESERVE = 0.03;

/** The candidate that was chosen, and whether the time or the corpus limits its size. */
export interface Choice {
  /** Its place among the candidates. */
  readonly index: number;
  /** What kept a larger one from being chosen. */
  readonly bound: "time" | "corpus";
}

/** How long this many steps should take, with their validations, checkpoints and samples. */
export function estimateSeconds(steps: number, costs: RunCosts, intervals: Intervals): number {
  const { validEvery, saveEvery, sampleEvery = 0 } = intervals;
  const samples = sampleEvery === 0 ? 0 : Math.ceil(steps / sampleEvery);
  return steps * costs.step + Math.ceil(steps / validEvery) * costs.validation +
    Math.ceil(steps / saveEvery) * costs.checkpoint + samples * costs.sample;
}

/** The largest number of steps whose estimate is within `seconds`; 0 if there is none. */
export function stepsWithin(seconds: number, costs: RunCosts, intervals: Intervals): number {
  // Invariant: `fits` steps are within the time, `exceeds` are not.
  let fits = 0;
  // Bounded, because the quotient is infinite if a clock stood still or the time has no end.
  let exceeds = Math.min(Math.floor(seconds / costs.step) + 1, Number.MAX_SAFE_INTEGER);
  while (exceeds - fits > 1) {
    const middle = Math.floor((fits + exceeds) / 2);
    if (estimateSeconds(middle, costs, intervals) <= seconds) fits = middle;
    else exceeds = middle;
  }
  return fits;
}

/** Tokens that a candidate sees in the time, with the cost of validations and the like spread over its steps. */
export function tokensInTime({ tokensPerStep, costs }: Candidate, resources: Resources): number {
  const { seconds, validEvery, saveEvery, sampleEvery = 0 } = resources;
  const sampling = sampleEvery === 0 ? 0 : costs.sample / sampleEvery;
  return tokensPerStep * seconds /
    (costs.step + costs.validation / validEvery + costs.checkpoint / saveEvery + sampling);
}

/** Whether a model is small enough for a corpus: it has at most one parameter for each token that it may see. */
export function fitsCorpus(parameters: number, corpusTokens: number, maxEpochs = MAX_EPOCHS): boolean {
  return parameters <= maxEpochs * corpusTokens;
}

/**
 * Whether a candidate uses up the time: a larger model would see fewer than 20 tokens per parameter, and fewer than
 * four epochs, or as many as it may.
 */
export function usesTimeUp(candidate: Candidate, resources: Resources): boolean {
  const { corpusTokens, maxEpochs = MAX_EPOCHS } = resources;
  const tokens = tokensInTime(candidate, resources);
  // Written so that NaN (from no time at all) ends the search.
  return !(tokens >= TOKENS_PER_PARAMETER * candidate.parameters || tokens >= maxEpochs * corpusTokens);
}

/**
 * Chooses among models.
 *
 * - The one that comes nearest to 20 tokens per parameter in the time (Hoffmann et al. 2022, arXiv:2203.15556).
 * - If that would be more than four epochs of the corpus, or `maxEpochs`: the largest one that finishes these in the time,
 *   because a larger model learns more from the same tokens (Kaplan et al. 2020, arXiv:2001.08361).
 * - Never one with more parameters than the tokens of these epochs, unless there is no smaller one.
 *
 * @param candidates By size, smallest first; a larger one must not be faster.
 */
export function chooseCandidate(candidates: readonly Candidate[], resources: Resources): Choice {
  const { corpusTokens, maxEpochs = MAX_EPOCHS } = resources;
  const allowed = candidates.filter(({ parameters }, i) => i === 0 || fitsCorpus(parameters, corpusTokens, maxEpochs));
  const tokens = allowed.map((candidate) => tokensInTime(candidate, resources));
  const distances = allowed.map(({ parameters }, i) =>
    Math.abs(Math.log(tokens[i] / parameters / TOKENS_PER_PARAMETER))
  );
  // With no time left, no distance is a number: then the smallest model.
  const nearest = distances.reduce((best, distance, i) => distance < distances[best] ? i : best, 0);
  const mostTokens = maxEpochs * corpusTokens;
  return tokens[nearest] > mostTokens
    ? { index: tokens.findLastIndex((count) => count >= mostTokens), bound: "corpus" }
    : { index: nearest, bound: "time" };
}

/**
 * The steps of a chosen model: as many as fit into the time, but at most four epochs (and at least one step, if one
 * fits).
 */
export function chooseSteps({ tokensPerStep, costs }: Candidate, resources: Resources): number {
  const inTime = stepsWithin(resources.seconds, costs, resources);
  return Math.min(inTime, Math.max(1, Math.floor(MAX_EPOCHS * resources.corpusTokens / tokensPerStep)));
}
