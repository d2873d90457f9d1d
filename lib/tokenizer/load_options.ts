// Options for loading a tokenizer.
import { option, say, UserError, type Wording } from "../errors.ts";
import { PATTERN_NAMES, type PatternName } from "./pretokenize/patterns.ts";
import type { SpecialToken } from "./pretokenize/special_tokens.ts";

/** Options for loading a tokenizer. */
export interface LoadOptions {
  /** The pattern that splits text into words, for files without it: ranks, or vocab.json and merges.txt. */
  readonly pattern?: PatternName;
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
export function choosePattern(
  name: string,
  said: PatternName | undefined,
  given: PatternName | undefined,
): PatternName {
  const refuse = (got: string, mustBe: string, next: string | Wording): never => {
    throw new UserError(say`Cannot read ${name}: got ${got}, must be ${mustBe}. ${next}`);
  };
  if (said !== undefined) {
    return given === undefined || given === said
      ? said
      : refuse(`pattern ${given}`, `${said}, which the file was made with`, "Name no other pattern");
  }
  return given ?? refuse(
    "no pattern, which files of this kind do not hold",
    `one of ${PATTERN_NAMES.join(", ")}`,
    say`Name it with ${option("pattern")}, or load a tokenizer.json, which says it`,
  );
}
