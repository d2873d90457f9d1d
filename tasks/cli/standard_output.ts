// Writing to standard output, with errors that say so: the system's own name nothing.
import { WriteError } from "../../lib/io/write_error.ts";
import { isFileSystemError } from "./file_system_errors.ts";

const NAME = "standard output";

/**
 * Writes all bytes to standard output.
 * @throws {WriteError} Naming it, if the system refuses.
 * @throws {Deno.errors.BrokenPipe} If its reader has gone away.
 */
export async function writeOut(bytes: Uint8Array): Promise<void> {
  try {
    for (let done = 0; done < bytes.length;) done += await Deno.stdout.write(bytes.subarray(done));
  } catch (error) {
    throw named(error);
  }
}

/** Until it is disposed of, `console.log` throws what `writeOut` throws. */
export class NamedOutput implements Disposable {
  readonly #log = console.log;
  readonly #named = (...words: unknown[]): void => {
    try {
      this.#log.call(console, ...words);
    } catch (error) {
      throw named(error);
    }
  };

  constructor() {
    console.log = this.#named;
  }

  [Symbol.dispose](): void {
    if (console.log === this.#named) console.log = this.#log;
  }
}

function named(error: unknown): unknown {
  // Of a reader that has gone away there is nothing to say, and one task may run within another.
  const isToldAlready = error instanceof Deno.errors.BrokenPipe || error instanceof WriteError;
  return error instanceof Error && !isToldAlready && isFileSystemError(error) ? new WriteError(NAME, error) : error;
}
