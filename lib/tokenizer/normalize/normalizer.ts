// Changes a text before it is split into words: Unicode's normalization forms, lower case, and others.
import { codePointAt } from "../pretokenize/char_text.ts";
import { INVALID } from "../regex/char_set.ts";
import type { NormalizerStep } from "./normalizer_steps.ts";

/** Applies the steps of a normalizer. */
export class Normalizer {
  readonly #steps: readonly NormalizerStep[];
  /** Whether ASCII stays as it is. */
  readonly #keepsAscii: boolean;
  readonly #prepends: boolean;
  readonly #replaces: boolean;
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  constructor(steps: readonly NormalizerStep[]) {
    this.#steps = steps;
    this.#prepends = steps.some(({ type }) => type === "Prepend");
    this.#replaces = steps.some(({ type }) => type === "Replace");
    this.#keepsAscii = steps.every(({ type }) => type !== "Lowercase" && type !== "Replace" && type !== "Prepend");
  }

  /** Whether something is put before a text. */
  get changesBeginnings(): boolean {
    return this.#prepends;
  }

  /** The text `bytes[start..end)` after all steps. Invalid UTF-8 stays as it is, and what is beside it is apart. */
  normalize(bytes: Uint8Array, start: number, end: number, isBeginning: boolean): Uint8Array {
    const text = bytes.subarray(start, end);
    if (this.#keepsAscii && isAscii(text)) return text;
    const parts: Uint8Array[] = [];
    let first = isBeginning;
    for (const [from, to, isValid] of validStretches(text)) {
      const part = text.subarray(from, to);
      // What is put before a text is put before invalid bytes too.
      if (!isValid) parts.push(first ? this.#encoder.encode(this.#apply("", true)) : NOTHING, part);
      else {
        const before = this.#decoder.decode(part);
        const after = this.#apply(before, first);
        parts.push(after === before ? part : this.#encoder.encode(after));
      }
      first = false;
    }
    return parts.length === 1 ? parts[0] : concatenate(parts);
  }

  /**
   * Whether a text may be cut between two characters, and both parts be normalized alone: neither joins, or changes
   * places with, what is before it, and each becomes one character.
   */
  mayCutBetween(before: number, after: number): boolean {
    return this.#staysApart(before) && this.#staysApart(after);
  }

  /** What a character becomes that a text may be cut after, or before. */
  characterOf(char: number): number {
    if (char === INVALID || (char < 0x80 && this.#keepsAscii)) return char;
    return this.#apply(String.fromCodePoint(char), false).codePointAt(0) ?? char;
  }

  #staysApart(char: number): boolean {
    if (char < 0x80 && !this.#replaces) return true;
    if (char === INVALID || isJoining(char)) return false;
    const text = String.fromCodePoint(char);
    const after = this.#apply(text, false);
    // Of several characters, the first is not what stands before the cut.
    return !/\p{M}/u.test(text) && after.length === (after.codePointAt(0)! > 0xffff ? 2 : 1);
  }

  #apply(text: string, isBeginning: boolean): string {
    for (const step of this.#steps) {
      switch (step.type) {
        case "Lowercase":
          text = lowerCase(text);
          break;
        case "Prepend":
          if (isBeginning) text = step.prepend + text;
          break;
        case "Replace":
          text = text.replaceAll(step.pattern.String, step.content);
          break;
        default:
          text = text.normalize(step.type);
      }
    }
    return text;
  }
}

const NOTHING = new Uint8Array();

/** Vowels and final consonants of Hangul, and letters of Kirat Rai: letters that join the one before. */
function isJoining(char: number): boolean {
  return (char >= 0x1100 && char <= 0x11ff) || (char >= 0xd7b0 && char <= 0xd7ff) ||
    (char >= 0x16d40 && char <= 0x16d7f);
}

/** Lower case of each character by itself: a sigma at the end of a word is like any other. */
function lowerCase(text: string): string {
  const lower = text.toLowerCase();
  return text.includes("Σ") ? Array.from(text, (char) => char.toLowerCase()).join("") : lower;
}

function isAscii(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] >= 0x80) return false;
  return true;
}

/** The longest stretches that are valid UTF-8, or not. */
function* validStretches(bytes: Uint8Array): Generator<[from: number, to: number, isValid: boolean]> {
  let from = 0, wasValid = true;
  for (let at = 0; at < bytes.length;) {
    const char = bytes[at] < 0x80 ? bytes[at] : codePointAt(bytes, at, bytes.length);
    const isValid = char !== INVALID;
    if (isValid !== wasValid && at > from) {
      yield [from, at, wasValid];
      from = at;
    }
    wasValid = isValid;
    at += !isValid || char < 0x80 ? 1 : char < 0x800 ? 2 : char < 0x10000 ? 3 : 4;
  }
  if (from < bytes.length) yield [from, bytes.length, wasValid];
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
