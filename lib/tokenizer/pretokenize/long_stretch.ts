// Limits how much text is held and split into pre-tokens at once.
import { UserError } from "../../errors.ts";

/**
 * The longest stretch of text, in bytes, without a place to cut it (see safe_cut.ts). A stretch is held in memory as a
 * whole, and so are its ids, so this limits memory for any text. Normal text has such a place every few words.
 */
export const MAX_STRETCH_BYTES: number = 16 << 20;

/** Thrown for text that goes on for too long without a place to cut it: a single word, or nothing but blanks. */
export class LongStretchError extends UserError {
  override readonly name = "LongStretchError";
  readonly #position: number;
  readonly #text: string | undefined;

  /**
   * @param position The byte of the text where the stretch begins.
   * @param text The text's name.
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

  /** The same error for a text that contains this one, `offset` bytes after its beginning. */
  within(offset: number, name = this.#text): LongStretchError {
    const text = this.#text === undefined || this.#text === name ? name : `${name}, ${this.#text}`;
    return new LongStretchError(this.#position + offset, text);
  }
}
