/**
 * Thrown when what a person gave (a file, a size, a name) cannot be used. The message reads
 * "Cannot X: got Y, must be Z", followed by the next step; a task prints it as one line, without a stack trace.
 */
export class UserError extends Error {
  /** What a stack trace calls it; classes that extend this one have names of their own. */
  override readonly name: string = "UserError";
}

/**
 * Thrown when a number or choice that was passed, a model's size, an option, cannot be used: the message reads as that of
 * {@linkcode UserError}. Other errors of range are faults of the program.
 */
export class OptionError extends RangeError {
  /** What a stack trace calls it. */
  override readonly name: string = "OptionError";
}

/** Whether an error's message is meant for the person who gave what cannot be used; others are faults, told by their stack. */
export function isForPeople(error: unknown): boolean {
  return error instanceof UserError || error instanceof OptionError;
}
