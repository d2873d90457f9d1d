// Turns whatever a task throws into what people read.
import { isForPeople, say, UserError, wordingOf } from "../../lib/errors.ts";
import { describeFileSystemError, isFileSystemError } from "./file_system_errors.ts";
import { oneLine } from "./one_line.ts";
import { hintsAsStarted } from "./started_as.ts";
import { forTerminal } from "./wording.ts";

export { say, UserError, wordingOf };

/** A mistake in the command line itself: exit code 2. */
export class UsageError extends UserError {
  override readonly name = "UsageError";
}

/** Runs a check of nothing but what the command line says: what the library refuses there is a mistake in it. */
export function inCommandLine<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw asUsageError(error);
  }
}

/** The same, of a check that takes its time. */
export async function inCommandLineLater<T>(checked: Promise<T>): Promise<T> {
  try {
    return await checked;
  } catch (error) {
    throw asUsageError(error);
  }
}

function asUsageError(error: unknown): unknown {
  return error instanceof UserError ? new UsageError(wordingOf(error), { cause: error }) : error;
}

/** One line for the user's mistakes and the machine's (file missing, disk full); for anything else, the stack trace. */
export function describeError(error: unknown): string {
  return `error: ${messageOf(error)}`;
}

/** The same without saying that it is an error. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (isForPeople(error)) return oneLine(hintsAsStarted(forTerminal(wordingOf(error))));
  if (isFileSystemError(error)) return oneLine(describeFileSystemError(error));
  return error.stack ?? error.message;
}

/** Whether {@linkcode messageOf} is one line: what happened is not a bug. */
export function isExpected(error: unknown): boolean {
  return isForPeople(error) || isFileSystemError(error);
}
