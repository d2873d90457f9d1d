// What a sweep's directory holds, for those who show it.
import { UserError } from "../errors.ts";
import { isFile } from "../io/is_file.ts";
import { RUN_FILES } from "./run_entries.ts";
import { readResults, SWEEP_FILES, type SweepResult } from "./sweep_results.ts";

/** A sweep's results, each with the directory of its run. */
export interface RunOfSweep extends SweepResult {
  /** The run's directory: SWEEP/NAME. */
  readonly directory: string;
  /** Whether the run has a configuration: one that waits has none. */
  readonly hasBegun: boolean;
}

/** Whether a directory is a sweep's: it holds sweep.json. */
export async function isSweep(directory: string): Promise<boolean> {
  return await isFile(`${directory}/${SWEEP_FILES.json}`);
}

/**
 * The runs of a sweep, in their order. Those that wait have no directory yet.
 * @throws {UserError} If sweep.json is not one that a sweep wrote.
 */
export async function runsOfSweep(directory: string): Promise<RunOfSweep[]> {
  const results = await readResults(directory);
  return await Promise.all(results.map(async (result) => {
    const run = `${directory}/${result.name}`;
    return { ...result, directory: run, hasBegun: await isFile(`${run}/${RUN_FILES.config}`) };
  }));
}

/**
 * The runs of a sweep that have begun, in their order.
 * @throws {UserError} If there are none, or sweep.json is not one that a sweep wrote.
 */
export async function begunRunsOfSweep(directory: string): Promise<{ begun: RunOfSweep[]; total: number }> {
  const runs = await runsOfSweep(directory);
  const begun = runs.filter(({ hasBegun }) => hasBegun);
  if (begun.length > 0) return { begun, total: runs.length };
  throw new UserError(
    `Cannot read the sweep ${directory}: none of its runs has started. Start the sweep first`,
  );
}
