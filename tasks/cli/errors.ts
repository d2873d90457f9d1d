// From whatever a task throws to what a person reads.
import { UserError } from "../../lib/errors.ts";

export { UserError };

/** A mistake in the command line itself: exit code 2. */
export class UsageError extends UserError {
  override readonly name = "UsageError";
}

/** One line for a mistake of the person or of the machine's (file missing, disk full), else the stack trace. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `error: ${String(error)}`;
  if (error instanceof UserError || isFileSystemError(error) || /^Cannot .+: got /s.test(error.message)) {
    return `error: ${error.message}`;
  }
  return error.stack ?? `error: ${error.message}`;
}

function isFileSystemError(error: Error): boolean {
  const { NotFound, PermissionDenied, AlreadyExists, IsADirectory, NotADirectory, NotCapable } = Deno.errors;
  const kinds = [NotFound, PermissionDenied, AlreadyExists, IsADirectory, NotADirectory, NotCapable];
  return kinds.some((kind) => error instanceof kind) || /\(os error \d+\)/.test(error.message);
}
