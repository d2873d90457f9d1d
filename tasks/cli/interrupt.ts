// Ctrl-C and SIGTERM as an AbortSignal, so that work ends in good order and leaves nothing half-written.
import { UserError } from "./errors.ts";

const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];

/** Runs `body` with a signal that is aborted by the first Ctrl-C or SIGTERM; a second one ends the process at once. */
export async function untilInterrupted<T>(body: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stopListening = () => SIGNALS.forEach((name) => Deno.removeSignalListener(name, stop));
  const stop = () => {
    stopListening();
    controller.abort(new UserError("Cannot go on: got Ctrl-C, must be let run. Nothing is left half-written"));
  };
  for (const name of SIGNALS) Deno.addSignalListener(name, stop);
  try {
    return await body(controller.signal);
  } finally {
    stopListening();
  }
}
