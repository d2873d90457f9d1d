// The patterns that split text into pre-tokens, by name.

/**
 * - `gpt2`: GPT-2's, the default for training.
 * - `cl100k`, `o200k`: those of GPT-4 and GPT-4o, as in tiktoken.
 * - `cl100k-original`: as in tokenizer.json files; it differs in white space with a newline in it at the very end of a text.
 */
export type PatternName = "gpt2" | "cl100k" | "cl100k-original" | "o200k";

/** The names, in the order of the kernel's numbers. */
export const PATTERN_NAMES: readonly PatternName[] = ["gpt2", "cl100k", "cl100k-original", "o200k"];

const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";

/**
 * The patterns as regular expressions, in the dialect of Hugging Face tokenizers (`\s` is \p{White_Space}, `\z` the end of
 * the text). Source: https://github.com/openai/tiktoken, tiktoken_ext/openai_public.py
 */
export const PATTERN_REGEX: Record<PatternName, string> = {
  gpt2: String.raw`'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  cl100k: String.raw`${CONTRACTIONS}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+\z|` +
    String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`,
  "cl100k-original": String.raw`${CONTRACTIONS}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|` +
    String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`,
  o200k: String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+${CONTRACTIONS}?|` +
    String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*${CONTRACTIONS}?|` +
    String.raw`\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
};
