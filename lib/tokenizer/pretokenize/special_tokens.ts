// Special tokens: fixed strings that split the text and are never merged with anything.
import { UserError } from "../../errors.ts";
import { excerpt } from "../../io/excerpt.ts";
import { ByteTrie } from "./byte_trie.ts";
import { codePointAt, codePointBefore } from "./char_text.ts";
import { CharClass } from "./char_class.ts";
import { CHAR_CLASSES } from "./char_class_table.ts";
import type { CutRule } from "./safe_cut.ts";
import { isWordCharacter } from "./word_character.ts";

/** A special token's text and id, and how it is found. */
export interface SpecialToken {
  /** The text to look for. */
  readonly text: string;
  /** Its id. */
  readonly id: number;
  /** Whether white space before it is a part of it. Default: false. */
  readonly lstrip?: boolean;
  /** Whether white space after it is a part of it. Default: false. */
  readonly rstrip?: boolean;
  /** Whether it is found only where no character of a word stands beside it. Default: false. */
  readonly singleWord?: boolean;
  /**
   * Whether it is found after those without this, in text that has been normalized, if the tokenizer normalizes text.
   * Default: false.
   */
  readonly normalized?: boolean;
  /**
   * Whether Hugging Face's decoders may leave it out: what a file says of it, which changes nothing here. Default: true.
   */
  readonly special?: boolean;
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
  /**
   * Whether the tokens that the tokenizer's files put around each text, such as one for its beginning, are put there.
   * Default: false.
   */
  readonly addSpecial?: boolean;
}

/** Finds special tokens in bytes: the leftmost one, and if several begin there, the longest. */
export class SpecialTokens {
  readonly list: readonly SpecialToken[];
  /** Length of the longest, in bytes. */
  readonly maxBytes: number;
  /** The rule of words for cuts; `undefined` for that of the kernel's scanners. */
  readonly cuts: CutRule | undefined;
  /** Those that are found later, in normalized text; `undefined` if there are none. */
  readonly later: SpecialTokens | undefined;
  readonly #trie: ByteTrie;
  readonly #isFirstByte = new Uint8Array(256);
  /** The byte that all of them start with, or -1. */
  readonly #commonFirstByte: number;
  /** Whether what stands beside a token matters. */
  readonly #looksBeside: boolean;
  readonly #hasStrips: boolean;
  /** Neighbouring characters in the tokens, as `a * 2 ** 21 + b`; alone, the first ones and the last ones. */
  readonly #pairs = new Set<number>();
  readonly #firsts = new Set<number>();
  readonly #lasts = new Set<number>();

  /**
   * @param cuts The rule of words for cuts. Default: that of the kernel's scanners.
   * @param later Tokens that are found later, in normalized text.
   * @throws {UserError} If a text is empty, not well formed, or given twice.
   */
  constructor(list: readonly SpecialToken[], cuts?: CutRule, later: readonly SpecialToken[] = []) {
    this.list = [...list];
    this.cuts = cuts;
    this.later = later.length > 0 ? new SpecialTokens(later, cuts) : undefined;
    this.#trie = new ByteTrie();
    let maxBytes = 0;
    const seen = new Set<string>();
    for (const [i, { text }] of list.entries()) {
      const bytes = specialBytes(text);
      if (seen.has(text)) {
        throw new UserError(
          `Cannot use special token ${excerpt(text)}: got it twice, must be given once. Leave one of them out`,
        );
      }
      seen.add(text);
      this.#trie.add(bytes, i);
      this.#isFirstByte[bytes[0]] = 1;
      maxBytes = Math.max(maxBytes, bytes.length);
      const chars = Array.from(text, (char) => char.codePointAt(0)!);
      for (let k = 1; k < chars.length; k++) this.#pairs.add(chars[k - 1] * 2 ** 21 + chars[k]);
      this.#firsts.add(chars[0]);
      this.#lasts.add(chars[chars.length - 1]);
    }
    this.maxBytes = maxBytes;
    const firstBytes = [...this.#isFirstByte.keys()].filter((byte) => this.#isFirstByte[byte] === 1);
    this.#commonFirstByte = firstBytes.length === 1 ? firstBytes[0] : -1;
    this.#hasStrips = list.some(({ lstrip, rstrip }) => lstrip === true || rstrip === true);
    this.#looksBeside = this.#hasStrips || list.some(({ singleWord }) => singleWord === true);
  }

  /** Whether a text may be cut at each special token, whatever comes after it. */
  get areCuts(): boolean {
    return !this.#looksBeside;
  }

  /** The first special token in `bytes[start..end)`, or `undefined`. Another may have ended at `start`. */
  find(bytes: Uint8Array, start: number, end: number): SpecialMatch | undefined {
    if (this.list.length === 0) return undefined;
    for (let at = start; at < end; at++) {
      if (this.#commonFirstByte >= 0) {
        at = bytes.indexOf(this.#commonFirstByte, at);
        if (at < 0 || at >= end) return undefined;
      } else if (this.#isFirstByte[bytes[at]] === 0) continue;
      const found = this.#trie.longestAt(bytes, at, end);
      if (found === undefined) continue;
      const token = this.list[found.value], tokenEnd = at + found.length;
      if (token.singleWord === true && touchesWord(bytes, at, tokenEnd, end)) {
        at = tokenEnd - 1; // what it was found in is passed over
        continue;
      }
      return {
        start: token.lstrip === true ? spacesStart(bytes, start, at) : at,
        end: token.rstrip === true ? spacesEnd(bytes, tokenEnd, end) : tokenEnd,
        id: token.id,
      };
    }
    return undefined;
  }

  /**
   * Whether some special token might begin in `bytes[start..p)` and end after `p`, given that bytes after `end` are not
   * known; or at `p`, where what stands beside it matters. Bytes that merely look like one count too: a cut elsewhere
   * costs nothing.
   */
  mayReachAcross(bytes: Uint8Array, start: number, p: number, end: number): boolean {
    if (this.#hasStrips && isWhiteSpace(codePointBefore(bytes, start, p))) return true;
    const touches = this.#looksBeside || this.cuts?.changesBeginnings === true;
    if (this.later?.mayReachInChanged(codePointBefore(bytes, start, p), codePointAt(bytes, p, end))) return true;
    for (let from = Math.max(start, p - this.maxBytes); from < p + (touches ? 1 : 0); from++) {
      const { length, isOpen } = this.#trie.reachAt(bytes, from, end);
      if (isOpen || from + length > p || (touches && from + length === p && length > 0)) return true;
    }
    return false;
  }

  /** Whether some token might reach across, or stand beside, the place between two characters that will be changed. */
  mayReachInChanged(before: number, after: number): boolean {
    const a = this.cuts?.characterOf(before) ?? before, b = this.cuts?.characterOf(after) ?? after;
    if (this.#pairs.has(a * 2 ** 21 + b)) return true;
    if (!this.#looksBeside && this.cuts?.changesBeginnings !== true) return false;
    return this.#lasts.has(a) || this.#firsts.has(b) || isWhiteSpace(a);
  }
}

/** Whether a word's character stands before or after a token. */
function touchesWord(bytes: Uint8Array, start: number, tokenEnd: number, end: number): boolean {
  return (start > 0 && isWordCharacter(codePointBefore(bytes, 0, start))) ||
    (tokenEnd < end && isWordCharacter(codePointAt(bytes, tokenEnd, end)));
}

function isWhiteSpace(char: number): boolean {
  return CHAR_CLASSES[char] === CharClass.SPACE;
}

function spacesStart(bytes: Uint8Array, start: number, at: number): number {
  while (at > start) {
    const char = codePointBefore(bytes, start, at);
    if (!isWhiteSpace(char)) break;
    do at--; while ((bytes[at] & 0xc0) === 0x80);
  }
  return at;
}

function spacesEnd(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && isWhiteSpace(codePointAt(bytes, at, end))) {
    do at++; while (at < end && (bytes[at] & 0xc0) === 0x80);
  }
  return at;
}
