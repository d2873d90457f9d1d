// Patterns by the names of models that have them, for files that do not say how text is split, and for training.
import { UserError } from "../../errors.ts";
import { excerpt } from "../../io/excerpt.ts";
import { simplifySteps } from "./known_steps.ts";
import { PATTERN_NAMES, type PatternName } from "./patterns.ts";
import { PreTokenizer } from "./pre_tokenizer.ts";
import type { SplitStep } from "./split_steps.ts";

/** How text is split into words: the name of a pattern that the kernel has a scanner for, or steps. */
export type Pattern = PatternName | readonly SplitStep[];

const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const BLANKS = String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`;
const UPPER = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`;
const LOWER = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`;

function split(regex: string): SplitStep {
  return { type: "Split", pattern: { Regex: regex }, behavior: "Isolated", invert: false };
}

const GPT2_STEP: SplitStep = { type: "ByteLevel", add_prefix_space: false, use_regex: true };
const DIGITS: SplitStep = { type: "Digits", individual_digits: true };

/**
 * Patterns beside those that the kernel has scanners for.
 *
 * - `qwen2`: of Qwen 1.5 to 3: cl100k with each digit by itself. Its tokenizers apply NFC too.
 * - `qwen3.5`: of Qwen 3.5: marks are parts of words.
 * - `tekken`: of Mistral's Tekken: o200k without contractions, each digit by itself.
 * - `deepseek-v3`: numbers in threes, Chinese and Japanese apart, then words.
 * - `nanochat`: cl100k with numbers in twos.
 * - `smollm`: of SmolLM and StarCoder: each digit by itself, then GPT-2's.
 *
 * Sources: the tokenizer.json of each; https://github.com/karpathy/nanochat, nanochat/tokenizer.py
 */
export const NAMED_PATTERNS: Readonly<Record<string, readonly SplitStep[]>> = {
  qwen2: [split(
    String.raw`${CONTRACTIONS}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|${BLANKS}`,
  )],
  "qwen3.5": [split(
    String.raw`${CONTRACTIONS}|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|${BLANKS}`,
  )],
  tekken: [split(
    String.raw`[^\r\n\p{L}\p{N}]?${UPPER}*${LOWER}+|[^\r\n\p{L}\p{N}]?${UPPER}+${LOWER}*|\p{N}|` +
      String.raw` ?[^\s\p{L}\p{N}]+[\r\n/]*|${BLANKS}`,
  )],
  "deepseek-v3": [
    split(String.raw`\p{N}{1,3}`),
    split("[一-龥\u3040-ゟ゠-ヿ]+"),
    split(
      "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|" +
        ` ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+`,
    ),
  ],
  nanochat: [split(
    String.raw`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,2}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|` +
      String.raw`\s+(?!\S)|\s+`,
  )],
  smollm: [DIGITS, GPT2_STEP],
};

/** All names of patterns. */
export const ALL_PATTERN_NAMES: readonly string[] = [...PATTERN_NAMES, ...Object.keys(NAMED_PATTERNS)];

/**
 * A pattern by its name, or a regular expression in Oniguruma's dialect, whose matches are words, as is what is between
 * them.
 *
 * @throws {UserError} If it is no name and has nothing of a regular expression, or one that cannot be used.
 */
export function parsePattern(text: string): Pattern {
  const scanner = PATTERN_NAMES.find((name) => name === text);
  if (scanner !== undefined) return scanner;
  if (Object.hasOwn(NAMED_PATTERNS, text)) return NAMED_PATTERNS[text];
  if (!/[\\|[\]()+*?]/.test(text)) {
    const names = ALL_PATTERN_NAMES.join(", ");
    throw new UserError(`Cannot split by ${excerpt(text)}: must be ${names} or a regular expression`);
  }
  const pattern = simplifySteps([split(text)], "a regular expression");
  if (typeof pattern !== "string") new PreTokenizer(pattern, "a regular expression");
  return pattern;
}

/** The name of a pattern, or what it is made of, in short. */
export function describePattern(pattern: Pattern): string {
  if (typeof pattern === "string") return pattern;
  const text = JSON.stringify(pattern);
  const named = Object.entries(NAMED_PATTERNS).find(([, steps]) => JSON.stringify(steps) === text);
  if (named !== undefined) return named[0];
  const parts = pattern.map((step) => {
    if (step.type !== "Split") return step.type;
    return excerpt("Regex" in step.pattern ? step.pattern.Regex : step.pattern.String, 60);
  });
  return parts.length === 0 ? "none" : parts.join(", ");
}
