import { UserError } from "../../../lib/errors.ts";
import { type ChildResult, runChild, taskWords } from "../child_task.ts";

/** Longer than any training that one waits for. */
const LIMIT_SECONDS = 24 * 3600;

/**
 * Runs a task in a process of its own: a training's memory and workers are gone when the next one begins.
 * @throws {UserError} If it fails.
 */
export async function runTaskToEnd(
  task: Parameters<typeof taskWords>[0],
  args: readonly string[],
): Promise<ChildResult> {
  const result = await runChild(taskWords(task, args), LIMIT_SECONDS);
  if (result.failed === undefined) return result;
  throw new UserError(`Cannot run ${task} ${args.join(" ")}: ${result.failed}`);
}
