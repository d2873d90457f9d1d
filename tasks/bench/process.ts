// Whole processes, timed from outside, with the most memory that each held.
import { UserError } from "../../lib/errors.ts";

/** How often the system is asked for a process's peak memory; the last answer before its end counts. */
const POLL_MS = 10;

/** What one run of a process took. */
export interface ProcessRun {
  readonly seconds: number;
  /** Peak resident memory in bytes; undefined where the system does not tell. */
  readonly peakBytes: number | undefined;
  readonly stdout: string;
}

/**
 * Runs a command to its end.
 * @throws {UserError} If it fails; with what it printed.
 */
export async function timeProcess(command: string, args: readonly string[], env = {}): Promise<ProcessRun> {
  const start = performance.now();
  const process = new Deno.Command(command, { args: [...args], env, stdout: "piped", stderr: "piped" }).spawn();
  let peakBytes: number | undefined;
  const poll = setInterval(() => peakBytes = readPeak(process.pid) ?? peakBytes, POLL_MS);
  try {
    const { code, stdout, stderr } = await process.output();
    const seconds = (performance.now() - start) / 1000;
    if (code !== 0) {
      const text = new TextDecoder().decode(stderr).trim();
      throw new UserError(`Cannot measure ${command} ${args[0]}: got exit code ${code}, must be 0. It said: ${text}`);
    }
    return { seconds, peakBytes, stdout: new TextDecoder().decode(stdout) };
  } finally {
    clearInterval(poll);
  }
}

/** Linux keeps the peak of each living process. */
function readPeak(pid: number): number | undefined {
  if (Deno.build.os !== "linux") return undefined;
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
