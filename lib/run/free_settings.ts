// Settings that a run may change when it goes on: the steps stay the same, bit for bit.
import { OptionError } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";
import { type TrainingConfig, validateTrainingConfig } from "../train/config.ts";
import type { ScheduleOptions } from "../train/schedule.ts";
import type { RunConfig } from "./run_directory.ts";

/**
 * The names of the settings that change no bit of any step: when a run is validated, sampled and saved, and how long. More
 * `steps` change none either, where the learning rate is still the same at each step that was taken.
 */
export const FREE_SETTINGS = [
  "validEvery",
  "validBatches",
  "patience",
  "sampleEvery",
  "samplePrompt",
  "sampleTokens",
  "saveEvery",
  "keep",
  "steps",
] as const;

/** New values of such settings. */
export type FreeSettings = Partial<Pick<TrainingConfig, typeof FREE_SETTINGS[number]>>;

/**
 * A run's configuration with some settings changed.
 * @throws {OptionError} If a value cannot work, or it is of a setting that decides the bits of steps.
 */
export function withSettings<C extends RunConfig>(config: C, settings: FreeSettings): C {
  const names = Object.keys(settings);
  const other = names.find((name) => !(FREE_SETTINGS as readonly string[]).includes(name));
  if (other !== undefined) {
    throw new OptionError(
      `Cannot change a run: got setting ${excerpt(other)}, must be one of ${FREE_SETTINGS.join(", ")}`,
    );
  }
  if (names.length === 0) return config;
  const { given } = config;
  // A length that is given is kept, whatever time it takes.
  const { timeBudget: _, ...untimed } = config.training;
  const training = settings.steps === undefined ? config.training : untimed;
  return {
    ...config,
    ...(given && { given: [...new Set([...given, ...names.map((name) => `training.${name}`)])] }),
    training: validateTrainingConfig({ ...training, ...settings }),
  };
}

/**
 * Whether a run may be of another length: the learning rate has been the same, for a schedule with a plateau.
 * @param step How many steps were taken.
 */
export function mayTakeSteps(got: ScheduleOptions, expected: ScheduleOptions, step: number): boolean {
  return got.steps >= step && step <= Math.min(endOfPlateau(got), endOfPlateau(expected));
}

/**
 * The first step whose learning rate depends on the length of the run; -1 where all do.
 */
export function endOfPlateau({ schedule, warmupSteps, decaySteps, steps }: ScheduleOptions): number {
  if (schedule === "constant") return Infinity;
  // The decay's first step has the full rate still.
  return schedule === "wsd" ? Math.max(warmupSteps, steps - decaySteps) + 1 : -1;
}
