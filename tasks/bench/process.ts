// Whole processes, timed from outside, with the most memory that each held.
import { fileURLToPath } from "node:url";
import { UserError } from "../../lib/errors.ts";

const STOPWATCH = fileURLToPath(new URL("./stopwatch.ts", import.meta.url));

/** What one run of a process took. */
export interface ProcessRun {
  readonly seconds: number;
  /** Peak resident memory in bytes; undefined where the system does not tell. */
  readonly peakBytes?: number;
  readonly stdout: string;
}

/** What `stopwatch.ts` prints of a process. */
export interface MeasuredProcess extends ProcessRun {
  readonly code: number;
  readonly stderr: string;
}

/**
 * Runs a command to its end, in a process that measures it: what Linux tells of another process may be read only by one that
 * may do everything, which the benches themselves need not.
 *
 * @throws {UserError} If it fails; with what it printed.
 */
export async function timeProcess(command: string, args: readonly string[], env = {}): Promise<ProcessRun> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-lock", "--allow-all", STOPWATCH, command, ...args],
    env,
    stderr: "inherit",
  }).output();
  if (!success) {
    throw new UserError(`Cannot measure ${command}: got no such program, must be a program. Check its path`);
  }
  const { code, stderr, ...run } = JSON.parse(new TextDecoder().decode(stdout)) as MeasuredProcess;
  if (code !== 0) {
    throw new UserError(`Cannot measure ${command} ${args[0]}: got exit code ${code}, must be 0. It said: ${stderr}`);
  }
  return run;
}
