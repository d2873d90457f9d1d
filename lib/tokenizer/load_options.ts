// What a person may say when a tokenizer is loaded, and what is said to them.
import { option, say, UserError, type Wording } from "../errors.ts";
import { PATTERN_NAMES, type PatternName } from "./pretokenize/patterns.ts";
import type { SpecialToken } from "./pretokenize/special_tokens.ts";

/** How a tokenizer is loaded. */
export interface LoadOptions {
  /** What splits text into words, for files that do not say it: ranks, or vocab.json and merges.txt. */
  readonly pattern?: PatternName;
  /** All special tokens, for files that do not say which they are. */
  readonly specialTokens?: readonly SpecialToken[];
  /** Told in one sentence what a file asks for that is not done, and what was taken for granted. */
  readonly onNote?: (note: string) => void;
}

/**
 * The pattern of a file.
 *
 * @param name The file's name, for messages.
 * @param said What the file says itself; `null` if it does not.
 * @throws {UserError} If nobody says it, or the person says another.
 */
export function choosePattern(name: string, said: PatternName | null, given: PatternName | undefined): PatternName {
  const refuse = (got: string, mustBe: string, next: string | Wording): never => {
    throw new UserError(say`Cannot read ${name}: got ${got}, must be ${mustBe}. ${next}`);
  };
  if (said !== null) {
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
