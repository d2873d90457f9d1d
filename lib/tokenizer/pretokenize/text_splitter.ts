// Splits a stream of bytes, cut anywhere, into special tokens and stretches of text that can be pre-tokenized
// separately.
import type { Beginning } from "./split_steps.ts";
import { LongStretchError, MAX_STRETCH_BYTES } from "./long_stretch.ts";
import { lastSafeCut } from "./safe_cut.ts";
import type { SpecialTokens } from "./special_tokens.ts";

/** How much of a piece is looked through for an end of the text before it. */
const JOINED_BYTES = 1 << 12;

/**
 * Receives `bytes[start..end)`, which are valid only during the call, and what begins there.
 */
export type OnText = (bytes: Uint8Array, start: number, end: number, beginning: Beginning) => void;

/**
 * Splits text into stretches and special tokens, in order. The pre-tokens do not depend on how the text was cut into
 * pieces: a stretch ends at a safe cut (see safe_cut.ts), at a special token, or at the end of the text.
 */
export class TextSplitter {
  readonly #specials: SpecialTokens;
  readonly #onText: OnText;
  readonly #onSpecial: (id: number) => void;
  #pending = new Uint8Array(0);
  #length = 0;
  /** Bytes of this text before the pending ones. */
  #passed = 0;
  /** What begins with what comes next. */
  #beginning: Beginning = "text";
  /** No safe cut is before this position of the pending bytes. */
  #searched = 0;

  constructor(specials: SpecialTokens, onText: OnText, onSpecial: (id: number) => void) {
    this.#specials = specials;
    this.#onText = onText;
    this.#onSpecial = onSpecial;
  }

  /** What comes next goes on with a text that began elsewhere. To be called before anything of it is added. */
  continueText(): void {
    this.#beginning = "none";
  }

  /**
   * Adds more of the text. `bytes` may be reused after the call.
   *
   * @throws {LongStretchError} If too much is pending.
   */
  push(bytes: Uint8Array): void {
    if (this.#length > 0) bytes = this.#endPending(bytes);
    if (this.#length > 0) {
      this.#append(bytes);
      const cut = lastSafeCut(this.#pending, 0, this.#length, this.#specials, this.#searched);
      if (cut > 0) this.#splitPending(cut);
    } else { // nothing is pending: read the piece where it lies, and keep only its end
      const cut = lastSafeCut(bytes, 0, bytes.length, this.#specials);
      if (cut > 0) {
        this.#split(bytes, 0, cut);
        this.#passed += cut;
      }
      this.#append(cut > 0 ? bytes.subarray(cut) : bytes);
    }
    if (this.#length > MAX_STRETCH_BYTES) this.#shortenPending();
    // Only near the end can a cut found unsafe turn out safe: when the last character, or what looked like the start of
    // a special token, is seen to go on differently.
    this.#searched = Math.max(0, this.#length - this.#specials.maxBytes - 4);
  }

  /**
   * Splits what is pending together with the beginning of the next piece, so that the rest of that need not be copied.
   * Returns the rest; if there is no safe cut so soon, all of it, and all that is pending stays so.
   */
  #endPending(bytes: Uint8Array): Uint8Array {
    const before = this.#length;
    if (bytes.length <= JOINED_BYTES) return bytes;
    this.#append(bytes.subarray(0, JOINED_BYTES));
    const cut = lastSafeCut(this.#pending, 0, this.#length, this.#specials, Math.max(before, this.#searched));
    this.#length = before;
    if (cut < 0) return bytes;
    this.#split(this.#pending, 0, cut);
    this.#passed += cut;
    this.#length = 0;
    return bytes.subarray(cut - before);
  }

  /** Ends the text, after `last` if given. Then another may begin. */
  flush(last?: Uint8Array): void {
    if (last !== undefined) {
      if (this.#length === 0) {
        this.#split(last, 0, last.length);
        this.#beginning = "text";
        return;
      }
      this.#append(last);
    }
    this.#split(this.#pending, 0, this.#length);
    this.#pending = new Uint8Array(0);
    this.#length = this.#searched = this.#passed = 0;
    this.#beginning = "text";
  }

  /** Between special tokens there is no safe cut, but they are where text may be cut as well. */
  #shortenPending(): void {
    let cut = 0;
    for (; this.#specials.areCuts;) {
      const match = this.#specials.find(this.#pending, cut, this.#length);
      // Nearer to the end, what follows may turn it into another one.
      if (match === undefined || match.start + this.#specials.maxBytes > this.#length) break;
      cut = match.end;
    }
    if (cut > 0) this.#splitPending(cut);
    if (this.#length > MAX_STRETCH_BYTES) throw new LongStretchError(this.#passed);
  }

  #splitPending(cut: number): void {
    this.#split(this.#pending, 0, cut);
    this.#pending.copyWithin(0, cut, this.#length);
    this.#length -= cut;
    this.#passed += cut;
  }

  #append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#pending.length) {
      const grown = new Uint8Array(Math.max(length, Math.ceil(this.#pending.length * 1.5)));
      grown.set(this.#pending.subarray(0, this.#length));
      this.#pending = grown;
    }
    this.#pending.set(bytes, this.#length);
    this.#length = length;
  }

  /** @param bytes The text from byte `#passed` on. */
  #split(bytes: Uint8Array, start: number, end: number): void {
    try {
      this.#report(bytes, start, end);
    } catch (error) {
      throw error instanceof LongStretchError ? error.within(this.#passed) : error;
    }
  }

  #report(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end;) {
      const match = this.#specials.find(bytes, at, end);
      const textEnd = match === undefined ? end : match.start;
      if (textEnd > at) {
        this.#onText(bytes, at, textEnd, this.#beginning);
        this.#beginning = "none";
      }
      if (match !== undefined) {
        this.#onSpecial(match.id);
        this.#beginning = "part";
      }
      at = match === undefined ? end : match.end;
    }
  }
}
