// Special tokens: fixed strings that split the text and are never merged with anything.
import { UserError } from "../../errors.ts";
import { excerpt } from "../../io/excerpt.ts";
import { ANY_BYTE, findBytes } from "./byte_search.ts";

/** A special token's text and id. */
export interface SpecialToken {
  /** The text to look for. */
  readonly text: string;
  /** Its id. */
  readonly id: number;
}

/** Where a special token was found. */
export interface SpecialMatch {
  readonly start: number;
  readonly end: number;
  readonly id: number;
}

/**
 * The bytes of a special token.
 *
 * @throws {UserError} If the text is empty, which would be found everywhere, or has half a surrogate pair, which UTF-8
 * cannot hold.
 */
export function specialBytes(text: string): Uint8Array<ArrayBuffer> {
  const got = text === "" ? "an empty text" : text.isWellFormed() ? undefined : "half a surrogate pair in it";
  if (got === undefined) return new TextEncoder().encode(text);
  throw new UserError(
    `Cannot use special token ${excerpt(text)}: got ${got}, must be one character or more. Choose another text`,
  );
}

/** How special tokens in the text, and what stands between documents, are encoded. */
export interface EncodeOptions {
  /** `"special"` (default): each special token is one id. `"text"`: they are encoded like any other text. */
  readonly specials?: "special" | "text";
  /**
   * Text that is one id too, whatever `specials` says: for documents that have something else than a special token
   * between them. Default: none.
   */
  readonly documentSeparator?: SpecialToken;
}

/** What to look for in a text, of a vocabulary's special tokens. */
export function specialsFor(
  all: readonly SpecialToken[],
  { specials, documentSeparator }: EncodeOptions,
): SpecialTokens {
  const list = specials === "text" ? [] : all;
  if (documentSeparator === undefined) return new SpecialTokens(list);
  return new SpecialTokens([...list.filter(({ text }) => text !== documentSeparator.text), documentSeparator]);
}

/** Finds special tokens in bytes: the leftmost one, and if several begin there, the longest. */
export class SpecialTokens {
  readonly list: readonly SpecialToken[];
  /** Length of the longest, in bytes. */
  readonly maxBytes: number;
  /** Longest first, so that the first match is the longest. */
  readonly #patterns: readonly { readonly bytes: Uint8Array; readonly id: number }[];
  readonly #isFirstByte = new Uint8Array(256);
  /** The byte that all of them start with, or -1; and the next one, if they have that in common too. */
  readonly #commonFirstByte: number;
  readonly #commonSecondByte: number;

  /** @throws {UserError} If a text is empty, not well formed, or given twice. */
  constructor(list: readonly SpecialToken[]) {
    this.list = [...list];
    this.#patterns = list.map(({ text, id }) => ({ bytes: specialBytes(text), id }))
      .sort((a, b) => b.bytes.length - a.bytes.length);
    this.maxBytes = this.#patterns.at(0)?.bytes.length ?? 0;
    const seen = new Set<string>();
    for (const { text } of list) {
      if (seen.has(text)) {
        throw new UserError(
          `Cannot use special token ${excerpt(text)}: got it twice, must be given once. Leave one of them out`,
        );
      }
      seen.add(text);
    }
    for (const { bytes } of this.#patterns) this.#isFirstByte[bytes[0]] = 1;
    this.#commonFirstByte = commonByte(this.#patterns.map(({ bytes }) => bytes[0])) ?? -1;
    this.#commonSecondByte = commonByte(this.#patterns.map(({ bytes }) => bytes.at(1))) ?? ANY_BYTE;
  }

  /** The first special token in `bytes[start..end)`, or `undefined`. */
  find(bytes: Uint8Array, start: number, end: number): SpecialMatch | undefined {
    if (this.#patterns.length === 0) return undefined;
    for (let at = start; at < end; at++) {
      if (this.#commonFirstByte >= 0) {
        at = findBytes(bytes, at, end, this.#commonFirstByte, this.#commonSecondByte);
        if (at < 0) return undefined;
      } else if (this.#isFirstByte[bytes[at]] === 0) continue;
      for (const pattern of this.#patterns) {
        if (startsWith(bytes, at, end, pattern.bytes)) {
          return { start: at, end: at + pattern.bytes.length, id: pattern.id };
        }
      }
    }
    return undefined;
  }

  /**
   * Whether some special token might begin in `bytes[start..p)` and end after `p`, given that bytes after `end` are not
   * known. Bytes that merely look like one count too: a cut elsewhere costs nothing.
   */
  mayReachAcross(bytes: Uint8Array, start: number, p: number, end: number): boolean {
    for (const { bytes: pattern } of this.#patterns) {
      for (let from = Math.max(start, p - pattern.length + 1); from < p; from++) {
        const known = Math.min(pattern.length, end - from);
        if (startsWith(bytes, from, end, pattern.subarray(0, known))) return true;
      }
    }
    return false;
  }
}

/** The one byte that all of them are; `undefined`, if they differ. */
function commonByte(bytes: readonly (number | undefined)[]): number | undefined {
  return bytes.every((byte) => byte === bytes[0]) ? bytes[0] : undefined;
}

function startsWith(bytes: Uint8Array, at: number, end: number, pattern: Uint8Array): boolean {
  if (at + pattern.length > end) return false;
  for (let i = 0; i < pattern.length; i++) if (bytes[at + i] !== pattern[i]) return false;
  return true;
}
