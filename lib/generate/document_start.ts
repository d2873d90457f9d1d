import type { Tokenizer } from "../tokenizer/mod.ts";

/** The special token between documents. */
export const END_OF_TEXT = "<|endoftext|>";

/** What precedes a text that begins a document: the end of another document, or at least of a line. */
export function documentStart(tokenizer: Tokenizer): string {
  return tokenizer.specialTokens.has(END_OF_TEXT) ? END_OF_TEXT : "\n";
}
