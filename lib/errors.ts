import { Wording } from "./wording.ts";

export { call, type CallPart, option, type OptionPart, type Part, say, type Speller, Wording } from "./wording.ts";

/**
 * Thrown when what a person gave (a file, a size, a name) cannot be used. The message reads
 * "Cannot X: got Y, must be Z", followed by the next step, and calls options as the API does; a task prints it as one line,
 * without a stack trace, with its flags in their place.
 */
export class UserError extends Error {
  /** What a stack trace calls it; classes that extend this one have names of their own. */
  override readonly name: string = "UserError";

  /**
   * With a message of plain words, or of `say`.
   * @param options As of any error: its cause.
   */
  constructor(message: string | { toString(): string }, options?: ErrorOptions) {
    super(String(message), options);
    WORDINGS.set(this, worded(message));
  }
}

/**
 * Thrown when a number or choice that was passed, a model's size, an option, cannot be used: the message reads as that of
 * {@linkcode UserError}. Other errors of range are faults of the program.
 */
export class OptionError extends RangeError {
  /** What a stack trace calls it. */
  override readonly name: string = "OptionError";

  /** With a message of plain words, or of `say`. */
  constructor(message: string | { toString(): string }, options?: ErrorOptions) {
    super(String(message), options);
    WORDINGS.set(this, worded(message));
  }
}

/** The messages in their parts. Not a property, so that whoever catches an error need not know what a wording is. */
const WORDINGS = new WeakMap<Error, Wording>();

/** An error's message in its parts, which tell options from plain words. */
export function wordingOf(error: Error): Wording {
  return WORDINGS.get(error) ?? worded(error.message);
}

function worded(message: string | { toString(): string }): Wording {
  return message instanceof Wording ? message : new Wording([String(message)]);
}

/** Whether an error's message is meant for the person who gave what cannot be used; others are faults, told by their stack. */
export function isForPeople(error: unknown): boolean {
  return error instanceof UserError || error instanceof OptionError;
}
