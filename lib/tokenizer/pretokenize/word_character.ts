// Characters of words, as a token that must be a word of its own is found by them.
import { INVALID } from "../regex/char_set.ts";

/** Source: https://docs.rs/regex, `\w` as Unicode Technical Standard #18 defines it. */
const WORD = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;

/** Whether a character belongs to a word; invalid bytes do not. */
export function isWordCharacter(char: number): boolean {
  return char !== INVALID && WORD.test(String.fromCodePoint(char));
}
