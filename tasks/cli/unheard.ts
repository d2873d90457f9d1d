import { errorCodeOf } from "../../lib/io/error_code.ts";

/** Writes to stderr if it still can: the terminal, or the reader of a pipe, may be gone. */
export function unlessUnheard(say: () => void): void {
  try {
    say();
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe || errorCodeOf(error) === "EIO")) throw error;
  }
}
