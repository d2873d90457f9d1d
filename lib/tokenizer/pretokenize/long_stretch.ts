// How much text is held and split into pre-tokens at once.
import { UserError } from "../../errors.ts";

/**
 * The longest stretch of text, in bytes, without a place where it may be cut (see safe_cut.ts). A stretch is held whole, and
 * so are its ids: this bounds memory, whatever the text. Text that people write has such a place every few words.
 */
export const MAX_STRETCH_BYTES: number = 16 << 20;

/** Thrown for text that goes on for too long without a place where it may be cut: one word, or blanks alone. */
export class LongStretchError extends UserError {
  override readonly name = "LongStretchError";
  readonly #position: number;
  readonly #text: string | undefined;

  /**
   * @param position The byte of the text where the stretch begins.
   * @param text What the text is called.
   */
  constructor(position: number, text?: string) {
    super(
      `Cannot split ${text ?? "the text"} into words: got more than ${
        MAX_STRETCH_BYTES >> 20
      } MiB from byte ${position} ` +
        "on that cannot be divided, must have a letter or digit with a space or sign after it somewhere in there. " +
        "Leave that part out",
    );
    this.#position = position;
    this.#text = text;
  }

  /** The same of a text of which this text is a part, `offset` bytes after its beginning. */
  within(offset: number, name = this.#text): LongStretchError {
    const text = this.#text === undefined || this.#text === name ? name : `${name}, ${this.#text}`;
    return new LongStretchError(this.#position + offset, text);
  }
}
