import { UserError } from "../errors.ts";
import { isFile } from "../io/is_file.ts";
import { type CheckpointState, listCheckpoints, readCheckpointState } from "./checkpoint.ts";
import { bindingDifferences } from "./config_difference.ts";
import { readRunConfig, RUN_FILES, type RunConfig } from "./run_directory.ts";
import { describeDifference } from "./sweep_grid.ts";

/** What a run's directory tells about it, apart from its metrics. */
export interface RunRecord {
  /** The configuration of the newest checkpoint, from which the run would continue, or else config.json. */
  readonly config: RunConfig;
  /** How config.json differs from that, if it was edited since. */
  readonly edited?: string;
  /** Whether training ended properly: at its last step, or stopped before. A killed run looks like one in progress. */
  readonly hasEnded: boolean;
}

/**
 * Reads what is known about a run.
 * @throws {UserError} If its config.json is missing or cannot be used.
 */
export async function readRunRecord(directory: string): Promise<RunRecord> {
  const written = await readRunConfig(directory);
  const { config, step } = await newestState(directory) ?? { config: written, step: 0 };
  const [difference] = bindingDifferences(written, config, step);
  const hasEnded = await isFile(`${directory}/${RUN_FILES.weights}`);
  // Where only such settings differ as may be changed, they were: by who resumed it.
  if (difference === undefined) return { config: written, hasEnded };
  return { config, edited: describeDifference(difference, written, config), hasEnded };
}

async function newestState(directory: string): Promise<CheckpointState | undefined> {
  for (const path of (await listCheckpoints(`${directory}/${RUN_FILES.checkpoints}`)).toReversed()) {
    try {
      return await readCheckpointState(path);
    } catch (error) {
      // Damaged, or just removed by the run: resuming skips it too.
      if (!(error instanceof UserError)) throw error;
    }
  }
  return undefined;
}
