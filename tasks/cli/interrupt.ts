// Ctrl-C, SIGTERM and SIGHUP as an AbortSignal, so that work ends in good order and leaves nothing half-written.
import { fstatSync, statSync } from "node:fs";
import { errorCodeOf } from "../../lib/io/error_code.ts";
import { UserError } from "./errors.ts";

/** The signals that end work in good order, and their numbers. */
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** Thrown, or found as a signal's reason, when one of these signals ended the work. */
export class InterruptedError extends UserError {
  override readonly name = "InterruptedError";
  /** 129, 130 or 143: what a shell says of a process that the signal killed, so that scripts can tell. */
  readonly exitCode: number;

  constructor(signal: keyof typeof SIGNALS) {
    const got = signal === "SIGINT" ? "Ctrl-C" : signal;
    super(`Cannot go on: got ${got}, must be let run. Nothing is left half-written`);
    this.exitCode = 128 + SIGNALS[signal];
  }
}

/** A signal that comes so soon after the first is the same one: `timeout` and task runners pass one on several times. */
const REPEAT_MS = 500;

/** Runs `body` with a signal that is aborted by the first such signal; a later one ends the process at once. */
export async function untilInterrupted<T>(body: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const names = (Object.keys(SIGNALS) as (keyof typeof SIGNALS)[]).filter(isHeard);
  let first = Infinity;
  const stop = (name: keyof typeof SIGNALS) => {
    if (performance.now() - first > REPEAT_MS) Deno.exit(new InterruptedError(name).exitCode);
    if (controller.signal.aborted) return;
    first = performance.now();
    controller.abort(new InterruptedError(name));
  };
  const listeners = names.map((name) => [name, () => stop(name)] as const);
  for (const [name, listener] of listeners) Deno.addSignalListener(name, listener);
  try {
    return await body(controller.signal);
  } finally {
    for (const [name, listener] of listeners) Deno.removeSignalListener(name, listener);
  }
}

/** The exit code of work that a signal of `untilInterrupted` ended early, or did not. */
export function exitCodeOf(signal: AbortSignal | undefined): number {
  return signal?.reason instanceof InterruptedError ? signal.reason.exitCode : 0;
}

/** Whether an exit code says that a signal of `untilInterrupted` ended a task. */
export function isInterruptedCode(code: number): boolean {
  return Object.values<number>(SIGNALS).includes(code - 128);
}

function isHeard(name: keyof typeof SIGNALS): boolean {
  if (Deno.build.os === "windows") return name === "SIGINT";
  return name !== "SIGHUP" || !isUnderNohup();
}

/**
 * Whether `nohup` started this process: then the end of its terminal (SIGHUP) is to be passed over. Listening would undo
 * that, and a process may not ask what it inherited. But nohup gives it a standard input that cannot be read from.
 */
function isUnderNohup(): boolean {
  try {
    // Reading from anything but the null device could wait, or take what is somebody else's.
    const stdin = fstatSync(0);
    if (!stdin.isCharacterDevice() || stdin.rdev !== statSync("/dev/null").rdev) return false;
    Deno.stdin.readSync(new Uint8Array(1));
    return false;
  } catch (error) {
    return errorCodeOf(error) === "EBADF";
  }
}
