// Passes what a worker threw from one thread to another, because errors lose their class on the way.
import { isForPeople, type Part, UserError, Wording, wordingOf } from "../errors.ts";
import { errorCodeOf } from "./error_code.ts";

/** An error in a worker. */
export interface WorkerFailure {
  /** The message; with the stack, if that is what people need. */
  readonly message: string;
  /** The parts of a message for people. */
  readonly parts?: readonly Part[];
  /** The operating system's name for what went wrong, if it was that. */
  readonly code?: string;
}

/** Describes what was thrown, for posting. */
export function failureOf(error: unknown): WorkerFailure {
  if (!(error instanceof Error)) return { message: String(error) };
  const code = errorCodeOf(error);
  if (code !== undefined) return { message: error.message, code };
  if (isForPeople(error)) return { message: error.message, parts: wordingOf(error).parts };
  return { message: error.stack ?? error.message };
}

/** Turns it back into an error that can be told from others like the original. */
export function errorOf({ message, parts, code }: WorkerFailure): Error {
  if (parts !== undefined) return new UserError(new Wording(parts));
  const error = new Error(message);
  return code === undefined ? error : Object.assign(error, { code });
}
