// Options for loading a tokenizer.
import { option, say, UserError, type Wording } from "../errors.ts";
import { describePattern, NAMED_PATTERNS, type Pattern } from "./pretokenize/named_patterns.ts";
import { PATTERN_NAMES } from "./pretokenize/patterns.ts";
import type { SpecialToken } from "./pretokenize/special_tokens.ts";

/** Options for loading a tokenizer. */
export interface LoadOptions {
  /** How text is split into words, for files that do not say it: ranks, or vocab.json and merges.txt. */
  readonly pattern?: Pattern;
  /** All special tokens, for files that do not list them. */
  readonly specialTokens?: readonly SpecialToken[];
  /** Called with a sentence about each thing that a file asks for but is not done, and about each assumption. */
  readonly onNote?: (note: string) => void;
}

/**
 * The pattern of a file.
 *
 * @param name The file's name, for messages.
 * @param said The file's own pattern; `undefined` if it has none.
 * @throws {UserError} If neither gives a pattern, or the option contradicts the file.
 */
export function choosePattern(name: string, said: Pattern | undefined, given: Pattern | undefined): Pattern {
  const refuse = (got: string, mustBe: string, next: string | Wording): never => {
    throw new UserError(say`Cannot read ${name}: got ${got}, must be ${mustBe}. ${next}`);
  };
  if (said !== undefined) {
    return given === undefined || JSON.stringify(given) === JSON.stringify(said) ? said : refuse(
      `pattern ${describePattern(given)}`,
      `${describePattern(said)}, which the file was made with`,
      "Name no other pattern",
    );
  }
  return given ?? refuse(
    "no pattern, which files of this kind do not hold",
    `one of ${[...PATTERN_NAMES, ...Object.keys(NAMED_PATTERNS)].join(", ")}`,
    say`Name it with ${option("pattern")}, or load a tokenizer.json, which says it`,
  );
}
