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
  readonly #wording: Wording;

  /**
   * With a message of plain words, or of a wording.
   * @param options As of any error: its cause.
   */
  constructor(message: string | Wording, options?: ErrorOptions) {
    super(String(message), options);
    this.#wording = worded(message);
  }

  /** The message in its parts, which tell options from plain words. */
  get wording(): Wording {
    return this.#wording;
  }
}

/**
 * Thrown when a number or choice that was passed, a model's size, an option, cannot be used: the message reads as that of
 * {@linkcode UserError}. Other errors of range are faults of the program.
 */
export class OptionError extends RangeError {
  /** What a stack trace calls it. */
  override readonly name: string = "OptionError";
  readonly #wording: Wording;

  /** With a message of plain words, or of a wording. */
  constructor(message: string | Wording, options?: ErrorOptions) {
    super(String(message), options);
    this.#wording = worded(message);
  }

  /** The message in its parts, which tell options from plain words. */
  get wording(): Wording {
    return this.#wording;
  }
}

function worded(message: string | Wording): Wording {
  return message instanceof Wording ? message : new Wording([message]);
}

/** Whether an error's message is meant for the person who gave what cannot be used; others are faults, told by their stack. */
export function isForPeople(error: unknown): error is UserError | OptionError {
  return error instanceof UserError || error instanceof OptionError;
}
