// GPT-2's pair of files: vocab.json and merges.txt, originally called encoder.json and vocab.bpe.
// Source: https://github.com/openai/gpt-2/blob/master/src/encoder.py, get_encoder()
import { excerpt } from "../../io/excerpt.ts";
import { JsonFields } from "../../io/json_fields.ts";
import { unspellBytes } from "./byte_level.ts";
import type { Pattern } from "../pretokenize/named_patterns.ts";
import type { SpecialToken } from "../pretokenize/special_tokens.ts";
import { buildVocabulary, requireMergeCount } from "./spelled_vocabulary.ts";
import type { Vocabulary } from "./vocabulary.ts";

const NEXT_STEP = "Write the tokenizer again";
/** GPT-2's only special token, and the default of tokenizers trained here. */
const USUAL_SPECIAL = "<|endoftext|>";

/** The lines of a merges.txt that are merges. */
export function mergeLines(mergesTxt: string): string[] {
  const lines = mergesTxt.split("\n").map((line) => line.endsWith("\r") ? line.slice(0, -1) : line);
  return lines.filter((line, i) => line !== "" && !(i === 0 && line.startsWith("#version")));
}

/** The text of a merges.txt. */
export function formatMerges(merges: readonly (readonly [left: string, right: string])[]): string {
  return `#version: 0.2\n${merges.map(([left, right]) => `${left} ${right}\n`).join("")}`;
}

/** What the pair of files leaves out. */
export interface PairOptions {
  readonly pattern: Pattern;
  /**
   * All special tokens. Default: those of `added`, and tokens that are neither a byte nor made by a merge. As that may
   * be wrong, it is reported to `onNote`.
   */
  readonly specials?: readonly SpecialToken[];
  readonly added?: readonly SpecialToken[];
  readonly onNote?: (note: string) => void;
}

/** Reads an added_tokens.json: the special tokens for a vocab.json, as ids by text. */
export function parseAddedTokens(json: string, name: string): SpecialToken[] {
  const fields = JsonFields.parse(json, { name, nextStep: NEXT_STEP });
  return fields.names.map((text) => ({ text, id: fields.integer(text) }));
}

/**
 * Reads the pair of files.
 *
 * @param merges As {@linkcode mergeLines} returns them.
 * @param name The vocabulary file's name, for messages.
 * @throws {UserError} If the contents of one are invalid.
 */
export function parseVocabAndMerges(
  vocabJson: string,
  merges: readonly string[],
  name: string,
  { pattern, specials, added = [], onNote }: PairOptions,
): Vocabulary {
  requireMergeCount(merges.length, name);
  const vocab = JsonFields.parse(vocabJson, { name, nextStep: NEXT_STEP });
  const made = new Set(merges.map((merge) => merge.replace(" ", "")));
  const guessed = () => {
    const texts = vocab.names.filter((spelling) => !made.has(spelling) && unspellBytes(spelling)?.length !== 1);
    if (texts.some((text) => text !== USUAL_SPECIAL)) {
      onNote?.(`${name} does not say which tokens are special; assumed: ${excerpt(texts.join(" "))}`);
    }
    return texts.map((text) => ({ text, id: vocab.integer(text) }));
  };
  return buildVocabulary(
    { vocab: vocab.record, merges, specials: specials ?? [...guessed(), ...added], pattern, ignoreMerges: false },
    name,
  );
}
