// Keeps a run's config.json the same as the configuration that it is trained with.
import { UserError } from "../errors.ts";
import { exists } from "../io/exists.ts";
import { readRunConfig, type RunConfig, writeRunConfig } from "./run_directory.ts";
import { RUN_FILES } from "./run_entries.ts";
import { firstDifference } from "./sweep_grid.ts";

/** @throws {UserError} If the config.json in a run's directory is a different configuration, naming what differs. */
export async function requireOwnConfig(directory: string, config: RunConfig): Promise<void> {
  if (!await exists(`${directory}/${RUN_FILES.config}`)) return;
  const difference = firstDifference(config, await readRunConfig(directory));
  if (difference === undefined) return;
  throw new UserError(
    `Cannot train in ${directory}: ${difference} as in its ${RUN_FILES.config}. Another process may have replaced the ` +
      `run: look at it, or choose another directory`,
  );
}

/**
 * Writes a run's config.json again if it is gone.
 * @throws {UserError} If there is one with a different configuration.
 */
export async function keepConfig(directory: string, config: RunConfig): Promise<void> {
  await requireOwnConfig(directory, config);
  if (!await exists(`${directory}/${RUN_FILES.config}`)) await writeRunConfig(directory, config);
}
