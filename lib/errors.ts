import { Wording } from "./wording.ts";

export { call, type CallPart, option, type OptionPart, type Part, say, type Speller, Wording } from "./wording.ts";

/**
 * Thrown if something that was given (a file, a size, a name) cannot be used. The message reads "Cannot X: got Y, must
 * be Z", or says otherwise what is wrong, followed by what to do next. It uses the API's names for options; a task prints
 * it as one line without a stack trace, with its flags instead.
 */
export class UserError extends Error {
  /** What a stack trace calls it; classes that extend this one have names of their own. */
  override readonly name: string = "UserError";

  /**
   * With a message that is plain text or was made by `say`.
   * @param options As for any error: its cause.
   */
  constructor(message: string | { toString(): string }, options?: ErrorOptions) {
    super(String(message), options);
    WORDINGS.set(this, worded(message));
  }
}

/**
 * Thrown if a number or choice that was passed (a model's size, an option) cannot be used. The message reads like that
 * of {@linkcode UserError}. Any other `RangeError` is a bug.
 */
export class OptionError extends RangeError {
  /** What a stack trace calls it. */
  override readonly name: string = "OptionError";

  /** With a message that is plain text or was made by `say`. */
  constructor(message: string | { toString(): string }, options?: ErrorOptions) {
    super(String(message), options);
    WORDINGS.set(this, worded(message));
  }
}

/** The parts of messages. Not a property, so that code that catches an error need not know what a wording is. */
const WORDINGS = new WeakMap<Error, Wording>();

/** The parts of an error's message, which tell options from plain text. */
export function wordingOf(error: Error): Wording {
  return WORDINGS.get(error) ?? worded(error.message);
}

function worded(message: string | { toString(): string }): Wording {
  return message instanceof Wording ? message : new Wording([String(message)]);
}

/** Whether an error's message is meant for the person who gave the input. Other errors are bugs, shown with a stack. */
export function isForPeople(error: unknown): boolean {
  return error instanceof UserError || error instanceof OptionError;
}
