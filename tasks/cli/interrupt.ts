// Ctrl-C, SIGTERM and SIGHUP as an AbortSignal, so that work ends in good order and leaves nothing half-written.
import { fstatSync, statSync } from "node:fs";
import { errorCodeOf } from "../../lib/io/error_code.ts";
import { UserError } from "./errors.ts";
import { unlessUnheard } from "./unheard.ts";

/** The signals that end work in good order, and their numbers. */
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** Thrown, or found as a signal's reason, when one of these signals ended the work. */
export class InterruptedError extends UserError {
  override readonly name = "InterruptedError";
  /** 129, 130 or 143: what a shell says of a process that the signal killed, so that scripts can tell. */
  readonly exitCode: number;

  constructor(signal: keyof typeof SIGNALS) {
    const got = signal === "SIGINT" ? "Ctrl-C" : signal;
    super(`Stopped by ${got}. Nothing is left half-written`);
    this.exitCode = 128 + SIGNALS[signal];
  }
}

/** A signal that comes so soon after the first is the same one: `timeout` and task runners pass one on several times. */
const REPEAT_MS = 500;

/** Runs `body` with a signal that is aborted by the first such signal; a later one ends the process at once. */
export async function untilInterrupted<T>(body: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const names = (Object.keys(SIGNALS) as (keyof typeof SIGNALS)[]).filter((name) =>
    Deno.build.os !== "windows" || name === "SIGINT"
  );
  let first = Infinity;
  const stop = (name: keyof typeof SIGNALS) => {
    if (performance.now() - first > REPEAT_MS) Deno.exit(new InterruptedError(name).exitCode);
    if (controller.signal.aborted) return;
    first = performance.now();
    if (name === "SIGHUP") outliveTerminal();
    controller.abort(new InterruptedError(name));
  };
  const isDeaf = isUnderNohup();
  const listeners = names.map((name) => [name, () => isDeaf && name === "SIGHUP" ? undefined : stop(name)] as const);
  for (const [name, listener] of listeners) Deno.addSignalListener(name, listener);
  try {
    return await body(controller.signal);
  } finally {
    for (const [name, listener] of listeners) Deno.removeSignalListener(name, listener);
  }
}

/** Runs `body` with a signal that Ctrl-C aborts, as often as it is pressed; the process goes on. */
export async function untilCtrlC(body: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  const stop = () => controller.abort(new InterruptedError("SIGINT"));
  Deno.addSignalListener("SIGINT", stop);
  try {
    await body(controller.signal);
  } finally {
    Deno.removeSignalListener("SIGINT", stop);
  }
}

/** From now on, output that fails because the terminal is gone is ignored: work still has to be saved. */
function outliveTerminal(): void {
  for (const name of ["log", "error"] as const) {
    const print = console[name];
    console[name] = (...words: unknown[]) => unlessUnheard(() => print(...words));
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

/**
 * Whether `nohup` started this process: then the end of its terminal (SIGHUP) must be ignored. Deno undoes what nohup
 * did about that as soon as any signal is listened to, and may not ask the system what it was. But nohup gives a process
 * that is started from a terminal a standard input that cannot be read from.
 */
function isUnderNohup(): boolean {
  try {
    // Reading from anything but the null device could wait, or take what is somebody else's.
    if (Deno.build.os === "windows") return false;
    const stdin = fstatSync(0);
    if (!stdin.isCharacterDevice() || stdin.rdev !== statSync("/dev/null").rdev) return false;
    Deno.stdin.readSync(new Uint8Array(1));
    return false;
  } catch (error) {
    return errorCodeOf(error) === "EBADF";
  }
}
