// --resume with other settings: those that change no bit of the steps.
import type { ModelConfig } from "../../lib/model/config.ts";
import type { Checkpoint } from "../../lib/run/checkpoint.ts";
import { FREE_SETTINGS, type FreeSettings, mayTakeSteps, withSettings } from "../../lib/run/free_settings.ts";
import type { RunConfig } from "../../lib/run/run_directory.ts";
import { UsageError } from "../cli/errors.ts";
import { flagOf } from "../cli/wording.ts";
import { configParts, type TrainFlags } from "./flags.ts";

/**
 * A run's configuration with what the flags say.
 * @throws {UsageError} If the run cannot be of another length, or is to be patient without validations.
 */
export function changedByFlags(
  flags: TrainFlags,
  config: RunConfig<ModelConfig>,
  checkpoint: Checkpoint | undefined,
): RunConfig<ModelConfig> {
  const { training } = configParts(flags);
  const names = FREE_SETTINGS.filter((name) => training?.[name] !== undefined);
  const settings = Object.fromEntries(names.map((name) => [name, training![name]])) as FreeSettings;
  const changed = withSettings(config, settings);
  const refuse = (flag: string, mustBe: string): never => {
    throw new UsageError(`Cannot resume ${flags.resume}: got ${flag}, must be ${mustBe}`);
  };
  const { schedule, steps } = config.training;
  const taken = checkpoint?.state.step ?? 0;
  if (changed.training.steps !== steps && !mayTakeSteps(changed.training, config.training, taken)) {
    const why = changed.training.steps < taken
      ? `at least the ${taken} taken so far`
      : `${steps}: with the schedule ${schedule} the learning rates of the ${taken} steps taken so far depend on it`;
    refuse(`--steps ${settings.steps}`, `${why}. Leave it out, or start a new run with --from ${flags.resume}`);
  }
  const validFlag = validFlagOf(config);
  if (settings.patience !== undefined && config.data.valid === undefined && flags[validFlag] === undefined) {
    throw new UsageError(`Cannot resume ${flags.resume}: --patience needs --${validFlag}, the data to validate on`);
  }
  return changed;
}

/** What names the data to validate on: conversations are validated on conversations. */
function validFlagOf({ data }: RunConfig): "valid" | "sft-valid" {
  return data.train.examples === undefined ? "valid" : "sft-valid";
}

/** Says, in a line each, what a configuration changes of another. */
export function describeChanges(before: RunConfig, after: RunConfig): string[] {
  const valuesIn = ({ training, data }: RunConfig): [flag: string, value: unknown][] => [
    [`--${validFlagOf(after)}`, data.valid?.name],
    ...FREE_SETTINGS.map((name): [string, unknown] => [flagOf(name), training[name]]),
  ];
  const was = new Map(valuesIn(before));
  const changed = valuesIn(after).filter(([flag, value]) => value !== was.get(flag));
  return changed.map(([flag, value]) => `${flag} is ${value} from here on (was ${was.get(flag) ?? "none"})`);
}
