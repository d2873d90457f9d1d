import { option, OptionError, say } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";
import { type Llama3RopeScaling, ROPE_SCALING_TYPES, type RopeScaling, type YarnRopeScaling } from "./architecture.ts";

/** The angles per position of the pairs of a head, in radians, and what the rotated numbers are multiplied by. */
export interface RopeFrequencies {
  /** rotaryDim / 2, from the fastest to the slowest. */
  readonly frequencies: readonly number[];
  /** 1, except with YaRN. */
  readonly magnitude: number;
}

/** θ^(−2i / rotaryDim) for pair i, scaled. */
export function ropeFrequencies(rotaryDim: number, theta: number, scaling?: RopeScaling): RopeFrequencies {
  const plain = Array.from({ length: rotaryDim / 2 }, (_, i) => theta ** (-2 * i / rotaryDim));
  if (scaling === undefined) return { frequencies: plain, magnitude: 1 };
  if (scaling.type === "linear") return { frequencies: plain.map((f) => f / scaling.factor), magnitude: 1 };
  if (scaling.type === "llama3") return { frequencies: plain.map((f) => llama3(f, scaling)), magnitude: 1 };
  const { factor, attentionFactor = 0.1 * Math.log(factor) + 1 } = scaling;
  return { frequencies: yarn(plain, rotaryDim, theta, scaling), magnitude: attentionFactor };
}

/** By how many turns a pair goes round in the original context: few turns are stretched, many stay. */
function llama3(frequency: number, scaling: Llama3RopeScaling): number {
  const { factor, lowFreqFactor, highFreqFactor, originalContextLength } = scaling;
  const turns = originalContextLength * frequency / (2 * Math.PI);
  const kept = clamp((turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor));
  return kept * frequency + (1 - kept) * frequency / factor;
}

/** The ramp between the pairs that stay and those that are stretched is linear in the number of the pair. */
function yarn(plain: readonly number[], rotaryDim: number, theta: number, scaling: YarnRopeScaling): number[] {
  const { factor, originalContextLength, betaFast = 32, betaSlow = 1 } = scaling;
  /** The pair, a fraction, that makes this many turns in the original context. */
  const pairOf = (turns: number) =>
    rotaryDim * Math.log(originalContextLength / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
  const first = Math.max(Math.floor(pairOf(betaFast)), 0);
  const last = Math.min(Math.ceil(pairOf(betaSlow)), rotaryDim - 1);
  return plain.map((frequency, i) => {
    // A ramp of no width is a step.
    const stretched = clamp((i - first) / (last === first ? 0.001 : last - first));
    return (1 - stretched) * frequency + stretched * frequency / factor;
  });
}

function clamp(x: number): number {
  return Math.min(Math.max(x, 0), 1);
}

/** @throws {OptionError} If a number is missing or cannot work, naming the first one and what it must be. */
export function validateRopeScaling(scaling: RopeScaling): void {
  const refuse = (field: string, value: unknown, mustBe: string): never => {
    const name = option("ropeScaling");
    throw new OptionError(say`Cannot build the model: got ${name}.${field} ${excerpt(value)}, must be ${mustBe}`);
  };
  const { type, factor } = scaling;
  if (!ROPE_SCALING_TYPES.includes(type)) refuse("type", type, ROPE_SCALING_TYPES.join(" or "));
  if (!(Number.isFinite(factor) && factor >= 1)) refuse("factor", factor, "a number of at least 1");
  if (scaling.type === "linear") return;
  const { originalContextLength: original } = scaling;
  if (!Number.isSafeInteger(original) || original < 1) {
    refuse("originalContextLength", original, "a positive integer");
  }
  const requireOrder = (low: string, lowest: number, high: string, highest: number) => {
    if (!(Number.isFinite(lowest) && lowest > 0)) refuse(low, lowest, "a number above 0");
    if (!(Number.isFinite(highest) && highest > lowest)) refuse(high, highest, `a number above ${low} ${lowest}`);
  };
  if (scaling.type === "llama3") {
    requireOrder("lowFreqFactor", scaling.lowFreqFactor, "highFreqFactor", scaling.highFreqFactor);
    return;
  }
  const { betaFast = 32, betaSlow = 1, attentionFactor = 1 } = scaling;
  requireOrder("betaSlow", betaSlow, "betaFast", betaFast);
  if (!(Number.isFinite(attentionFactor) && attentionFactor > 0)) {
    refuse("attentionFactor", attentionFactor, "a number above 0");
  }
}
