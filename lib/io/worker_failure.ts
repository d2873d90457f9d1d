// What a worker threw, as it goes from one thread to the other: errors lose their class on the way.
import { isForPeople, UserError } from "../errors.ts";
import { errorCodeOf } from "./error_code.ts";

/** An error of a worker's. */
export interface WorkerFailure {
  /** With the stack, where that is what a person needs. */
  readonly message: string;
  readonly isForPeople: boolean;
  /** The operating system's name for what went wrong, if it was that. */
  readonly code?: string;
}

/** Describes what was thrown, to be posted. */
export function failureOf(error: unknown): WorkerFailure {
  if (!(error instanceof Error)) return { message: String(error), isForPeople: false };
  const code = errorCodeOf(error);
  if (code !== undefined) return { message: error.message, isForPeople: false, code };
  const isMistake = isForPeople(error);
  return { message: isMistake ? error.message : error.stack ?? error.message, isForPeople: isMistake };
}

/** Makes an error of it again, that is told from others as the first one was. */
export function errorOf({ message, isForPeople, code }: WorkerFailure): Error {
  if (isForPeople) return new UserError(message);
  const error = new Error(message);
  return code === undefined ? error : Object.assign(error, { code });
}
