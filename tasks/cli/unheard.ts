import { errorCodeOf } from "../../lib/io/error_code.ts";

/** Says something, to whoever is there still: the terminal, or the reader of a pipe, may have gone away. */
export function unlessUnheard(say: () => void): void {
  try {
    say();
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe || errorCodeOf(error) === "EIO")) throw error;
  }
}
