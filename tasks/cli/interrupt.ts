// Ctrl-C as an AbortSignal, so that work ends in good order and leaves nothing half-written.
import { UserError } from "./errors.ts";

/** Runs `body` with a signal that is aborted by the first Ctrl-C (SIGINT); a second one ends the process at once. */
export async function untilInterrupted<T>(body: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = () => {
    Deno.removeSignalListener("SIGINT", stop);
    controller.abort(new UserError("Cannot go on: got Ctrl-C, must be let run. Nothing is left half-written"));
  };
  Deno.addSignalListener("SIGINT", stop);
  try {
    return await body(controller.signal);
  } finally {
    Deno.removeSignalListener("SIGINT", stop);
  }
}
