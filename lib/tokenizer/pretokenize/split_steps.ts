// The steps that split text into words, for tokenizers whose pattern the kernel has no scanner for.
import { literal, parseRegex } from "../regex/parse.ts";
import type { Node } from "../regex/ast.ts";
import { type CharSet, range, union, without } from "../regex/char_set.ts";
import { propertySet } from "../regex/properties.ts";
import { PATTERN_REGEX } from "./patterns.ts";

/**
 * What becomes of the matches of a pattern: words of their own, nothing, parts of the word before or after, or one word
 * with the matches beside them. What is between matches is a word too.
 */
export type SplitBehavior = "Isolated" | "Removed" | "MergedWithPrevious" | "MergedWithNext" | "Contiguous";

/** The behaviors, as Hugging Face's tokenizers name them. */
export const SPLIT_BEHAVIORS: readonly SplitBehavior[] = [
  "Isolated",
  "Removed",
  "MergedWithPrevious",
  "MergedWithNext",
  "Contiguous",
];

/** One step. Each splits the words that the steps before it made. The names are those of a tokenizer.json. */
export type SplitStep =
  | {
    readonly type: "Split";
    /** A regular expression in Oniguruma's dialect, or a text to look for. */
    readonly pattern: { readonly Regex: string } | { readonly String: string };
    readonly behavior: SplitBehavior;
    /** Whether matches and what is between them change places. */
    readonly invert: boolean;
  }
  /** Splits numbers from other text, or each digit from the next too. */
  | { readonly type: "Digits"; readonly individual_digits: boolean }
  /** Splits by punctuation. */
  | { readonly type: "Punctuation"; readonly behavior: SplitBehavior }
  /**
   * Puts a space before each word that does not start with one, if so asked; then splits by GPT-2's pattern, if so
   * asked. Steps after it see each byte as the character that files spell it as.
   */
  | { readonly type: "ByteLevel"; readonly add_prefix_space: boolean; readonly use_regex: boolean }
  /** Puts a space before each text that does not start with one, or also before what follows a special token. */
  | { readonly type: "Metaspace"; readonly prepend_scheme: "always" | "first" };

/** What begins: a text; or a part of one, after a special token; or nothing, where one goes on. */
export type Beginning = "text" | "part" | "none";

/** A step as a pattern and what becomes of its matches. */
export interface PatternStep {
  readonly tree: Node;
  readonly behavior: SplitBehavior;
  readonly invert: boolean;
}

/**
 * The pattern of a step; `undefined` for one that splits nothing.
 *
 * @param name Whose step it is, for messages.
 * @throws {UserError} If a regular expression cannot be used.
 */
export function patternOfStep(step: SplitStep, name: string): PatternStep | undefined {
  switch (step.type) {
    case "Split": {
      const tree = "Regex" in step.pattern ? parseRegex(step.pattern.Regex, name) : literal(step.pattern.String);
      return { tree, behavior: step.behavior, invert: step.invert };
    }
    case "Digits": {
      const behavior = step.individual_digits ? "Isolated" : "Contiguous";
      return { tree: { kind: "set", set: numbers() }, behavior, invert: false };
    }
    case "Punctuation":
      return { tree: { kind: "set", set: punctuation() }, behavior: step.behavior, invert: false };
    case "Metaspace":
      return undefined;
    case "ByteLevel":
      if (!step.use_regex) return undefined;
      return { tree: parseRegex(PATTERN_REGEX.gpt2, "gpt2"), behavior: "Isolated", invert: false };
  }
}

/** Decimal digits and other numbers, as Rust's standard library has them: with those of Unicode 17. */
function numbers(): CharSet {
  return union(propertySet("N")!, range(0x11de0, 0x11de9), range(0x16ff4, 0x16ff6));
}

/**
 * Punctuation as Hugging Face's tokenizers have it, who take it from a library with Unicode 8; and what is not a letter,
 * digit, blank or control character in ASCII. Source: https://docs.rs/unicode_categories
 */
function punctuation(): CharSet {
  const ascii = [range(0x21, 0x2f), range(0x3a, 0x40), range(0x5b, 0x60), range(0x7b, 0x7e)];
  return union(...ascii, without(propertySet("P")!, LATER_PUNCTUATION), range(0x166d), range(0x111c9));
}

/** Punctuation of Unicode 9 to 16, as ranges of code points in hexadecimal. */
const LATER_PUNCTUATION: CharSet =
  ("61d 9fd a76 c77 c84 1b4e-1b4f 1b7d-1b7f 2e43-2e4f 2e52-2e5d 10d6e 10ead 10f55-10f59 10f86-10f89 113d4-113d5 " +
    "113d7-113d8 1144b-1144f 1145a-1145b 1145d 11660-1166c 116b9 1183b 11944-11946 119e2 11a3f-11a46 11a9a-11a9c " +
    "11a9e-11aa2 11b00-11b09 11be1 11c41-11c45 11c70-11c71 11ef7-11ef8 11f43-11f4f 11fff 12ff1-12ff2 16d6d-16d6f " +
    "16e97-16e9a 16fe2 1e5ff 1e95e-1e95f").split(" ").flatMap((ends) => {
      const [from, to = from] = ends.split("-").map((digits) => parseInt(digits, 16));
      return [from, to];
    });
