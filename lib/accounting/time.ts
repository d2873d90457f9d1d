import { OptionError } from "../errors.ts";
import type { OptimizerName } from "../train/optimizer/registry.ts";
import { type FlopsOptions, opFlops } from "./flops.ts";
import { updateFlops } from "./optimizer.ts";
import type { ModelShape } from "./shape.ts";

/** A training step's FLOPs. */
export interface StepFlops {
  /** Matrix products of the forward pass. */
  readonly forward: number;
  /** Matrix products of the backward pass. */
  readonly backward: number;
  /** The layers' forward pass again, with activation checkpointing. */
  readonly recompute: number;
  /** The update of the weights. */
  readonly optimizer: number;
  /** The sum of the four. */
  readonly total: number;
}

/** Options for counting a step. */
export interface StepOptions extends FlopsOptions {
  /** Default: adamw. */
  readonly optimizer?: OptimizerName;
  readonly checkpointing?: boolean;
}

/** FLOPs of one training step: forward, backward (2 × forward by default), and 15 per parameter for AdamW. */
export function stepFlops(shape: ModelShape, options: StepOptions = {}): StepFlops {
  const ops = opFlops(shape, options);
  const forward = ops.reduce((sum, op) => sum + op.forward, 0);
  const backward = ops.reduce((sum, op) => sum + op.backward, 0);
  const head = ops.find((op) => op.part === "head")?.forward ?? 0;
  const recompute = options.checkpointing ? forward - head : 0;
  const optimizer = updateFlops(shape, options.optimizer);
  return { forward, backward, recompute, optimizer, total: forward + backward + recompute + optimizer };
}

/** Days of a Julian year. */
const DAYS_PER_YEAR = 365.25;

/** A duration in the units that suit a training run. */
export interface Duration {
  /** The whole duration, in seconds. */
  readonly seconds: number;
  /** The whole duration, in hours. */
  readonly hours: number;
  /** The whole duration, in days. */
  readonly days: number;
  /** Of 365.25 days. */
  readonly years: number;
}

/** The same duration in every unit. */
export function durationOf(seconds: number): Duration {
  const days = seconds / 86_400;
  return { seconds, hours: seconds / 3600, days, years: days / DAYS_PER_YEAR };
}

/**
 * The time for this many FLOPs: flops / (peak · MFU).
 * @param peak The device's FLOP/s.
 * @param mfu Model FLOPs utilisation, the share of the peak reached: above 0, at most 1. Source: Chowdhery et al. 2022,
 * arXiv:2204.02311, section 4.1.
 * @throws {OptionError} If a number cannot work.
 */
export function timeFor(flops: number, peak: number, mfu: number): Duration {
  if (!(peak > 0)) throw new OptionError(`Cannot estimate time: got a peak of ${peak} FLOP/s, must be above 0`);
  if (!(mfu > 0 && mfu <= 1)) throw new OptionError(`Cannot estimate time: got MFU ${mfu}, must be above 0, at most 1`);
  return durationOf(flops / (peak * mfu));
}

/** The share of a device's peak that a run's matrix products reach. */
export function modelFlopsUtilisation(flopsPerToken: number, tokensPerSecond: number, peak: number): number {
  return flopsPerToken * tokensPerSecond / peak;
}

/** Kilowatt-hours that a board drawing `watts` all the time uses; the host and its cooling come on top. */
export function energyKwh({ hours }: Duration, watts: number): number {
  return hours * watts / 1000;
}

/** Tokens per parameter at which loss is lowest for the compute spent. Source: Hoffmann et al. 2022, arXiv:2203.15556. */
export const TOKENS_PER_PARAMETER = 20;

/** The number of tokens to train a model with this many parameters on: 20 per parameter. */
export function optimalTokens(parameters: number): number {
  return TOKENS_PER_PARAMETER * parameters;
}
