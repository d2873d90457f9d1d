// Trainings of low-rank adapters alone: what their settings mean for the model.
import { isAdapter, type LoraOptions } from "../model/lora.ts";
import type { TrainingConfig } from "./config.ts";
import type { Frozen } from "./optimizer/frozen.ts";

/** The adapters that a training is of; none if it trains the model's own parameters. */
export function loraOf({ loraRank, loraAlpha, loraTargets }: TrainingConfig): LoraOptions | undefined {
  if (loraRank === undefined) return undefined;
  return {
    rank: loraRank,
    ...(loraAlpha !== undefined && { alpha: loraAlpha }),
    ...(loraTargets && { targets: loraTargets }),
  };
}

/** What a training leaves as it is: where it is of adapters, all else. */
export function frozenIn(training: TrainingConfig): Frozen | undefined {
  return training.loraRank === undefined ? training.frozen : ({ name }) => !isAdapter(name);
}
