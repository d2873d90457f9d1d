// The text of a regular expression while it is read.
import { UserError } from "../../errors.ts";
import { excerpt } from "../../io/excerpt.ts";

/** Longer patterns are refused; the longest in use has some hundred characters. */
const MAX_LENGTH = 10_000;

/** A text that is read from left to right, and what is refused of it. */
export class PatternText {
  readonly #text: string;
  readonly #name: string;
  #at = 0;
  /** Whether the part that is read now ignores case. */
  ignoresCase = false;

  /**
   * @param name Whose pattern it is, for messages: a file's name, or `--pattern`'s.
   */
  constructor(text: string, name: string) {
    this.#text = text;
    this.#name = name;
    if (text.length > MAX_LENGTH) this.refuse(`${text.length} characters`, `at most ${MAX_LENGTH}`);
    if (!text.isWellFormed()) this.refuse("half a surrogate pair", "whole characters");
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  /** The next character, which is not taken; empty at the end. */
  peek(): string {
    return this.isAtEnd ? "" : String.fromCodePoint(this.#text.codePointAt(this.#at)!);
  }

  /** Takes the next character. */
  next(mustBe: string): string {
    if (this.isAtEnd) return this.refuse("the end of the pattern", mustBe);
    const char = this.peek();
    this.#at += char.length;
    return char;
  }

  /** Takes what a sticky expression matches here; `undefined` if it does not. */
  take(sticky: RegExp): RegExpExecArray | undefined {
    sticky.lastIndex = this.#at;
    const found = sticky.exec(this.#text) ?? undefined;
    this.#at += found?.[0].length ?? 0;
    return found;
  }

  /** @throws {UserError} Always: names what was met, and where. */
  refuse(got: string, mustBe: string = SUPPORTED): never {
    throw new UserError(
      `Cannot split text by the pattern of ${this.#name}, ${excerpt(this.#text, 60)}: got ${got} ` +
        `(before character ${this.#at}), must be ${mustBe}. Use another pattern`,
    );
  }
}

const SUPPORTED = "characters, classes, groups, alternatives, repetitions and look-aheads that are known here";
