// Keeps a run's config.json the same as the configuration that it is trained with.
import { UserError } from "../errors.ts";
import { exists } from "../io/exists.ts";
import { bindingDifferences, configDifferences } from "./config_difference.ts";
import { readRunConfig, type RunConfig, writeRunConfig } from "./run_directory.ts";
import { RUN_FILES } from "./run_entries.ts";
import { describeDifference } from "./sweep_grid.ts";

/**
 * @param step How many steps were taken.
 * @returns Whether there is a config.json, and with the same settings.
 * @throws {UserError} If the config.json in a run's directory gives other bits, naming what differs.
 */
export async function requireOwnConfig(directory: string, config: RunConfig, step = 0): Promise<boolean> {
  if (!await exists(`${directory}/${RUN_FILES.config}`)) return false;
  const written = await readRunConfig(directory);
  const [difference] = bindingDifferences(config, written, step);
  if (difference === undefined) return configDifferences(config, written).length === 0;
  throw new UserError(
    `Cannot train in ${directory}: ${describeDifference(difference, config, written)} as in its ${RUN_FILES.config}. ` +
      "Another process may have replaced the run: look at it, or choose another directory",
  );
}

/**
 * Writes a run's config.json again if it is gone, or has other settings of those that change no bit.
 * @throws {UserError} If there is one that gives other bits.
 */
export async function keepConfig(directory: string, config: RunConfig, step = 0): Promise<void> {
  if (!await requireOwnConfig(directory, config, step)) await writeRunConfig(directory, config);
}
