/**
 * Thrown when what a person gave (a file, a size, a name) cannot be used. The message reads
 * "Cannot X: got Y, must be Z", followed by the next step; a task prints it as one line, without a stack trace.
 */
export class UserError extends Error {
  override readonly name: string = "UserError";
}
