// Ctrl-C and SIGTERM as an AbortSignal, so that work ends in good order and leaves nothing half-written.
import { UserError } from "./errors.ts";

/** The signals that end work in good order, and their numbers. */
const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

/** Thrown, or found as a signal's reason, when Ctrl-C or SIGTERM ended the work. */
export class InterruptedError extends UserError {
  override readonly name = "InterruptedError";
  /** 130 or 143: what a shell says of a process that the signal killed, so that scripts can tell. */
  readonly exitCode: number;

  constructor(signal: keyof typeof SIGNALS) {
    const got = signal === "SIGINT" ? "Ctrl-C" : signal;
    super(`Cannot go on: got ${got}, must be let run. Nothing is left half-written`);
    this.exitCode = 128 + SIGNALS[signal];
  }
}

/** A signal that comes so soon after the first is the same one: `timeout` and task runners pass one on several times. */
const REPEAT_MS = 500;

/** Runs `body` with a signal that is aborted by the first Ctrl-C or SIGTERM; a later one ends the process at once. */
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
