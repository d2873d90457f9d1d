// What a worker threw, as it goes from one thread to the other: errors lose their class on the way.
import { isForPeople, type Part, UserError, Wording, wordingOf } from "../errors.ts";
import { errorCodeOf } from "./error_code.ts";

/** An error of a worker's. */
export interface WorkerFailure {
  /** With the stack, where that is what a person needs. */
  readonly message: string;
  /** Of a message for people: its parts. */
  readonly parts?: readonly Part[];
  /** The operating system's name for what went wrong, if it was that. */
  readonly code?: string;
}

/** Describes what was thrown, to be posted. */
export function failureOf(error: unknown): WorkerFailure {
  if (!(error instanceof Error)) return { message: String(error) };
  const code = errorCodeOf(error);
  if (code !== undefined) return { message: error.message, code };
  if (isForPeople(error)) return { message: error.message, parts: wordingOf(error).parts };
  return { message: error.stack ?? error.message };
}

/** Makes an error of it again, that is told from others as the first one was. */
export function errorOf({ message, parts, code }: WorkerFailure): Error {
  if (parts !== undefined) return new UserError(new Wording(parts));
  const error = new Error(message);
  return code === undefined ? error : Object.assign(error, { code });
}
