import { UserError } from "../errors.ts";

/** Thrown if a request comes while as many wait as may. It can be sent again later. */
export class QueueFullError extends UserError {
  /** What a stack trace calls it. */
  override readonly name = "QueueFullError";

  /** @param waiting How many wait. @param most How many may. @param more How many came. */
  constructor(readonly waiting: number, readonly most: number, readonly more: number) {
    super(
      `Cannot take ${
        more === 1 ? "another request" : `${more} more requests`
      }: got ${waiting} that wait already, must be ` +
        `at most ${most} together. Send it again later`,
    );
  }
}

/** Thrown if a text with all that may follow it is longer than the model's context. */
export class TextTooLongError extends UserError {
  /** What a stack trace calls it. */
  override readonly name = "TextTooLongError";

  /** @param promptTokens Of the prompt. @param maxTokens That may follow. @param contextLength That there is room for. */
  constructor(readonly promptTokens: number, readonly maxTokens: number, readonly contextLength: number) {
    super(
      `Cannot continue the text: got ${promptTokens} tokens and up to ${maxTokens} more, must be at most ` +
        `${contextLength} together, the model's context. Shorten the text, or ask for fewer`,
    );
  }
}
