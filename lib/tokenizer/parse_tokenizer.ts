// What a tokenizer's file says, whatever it came from. No Deno API: it runs in a browser.
import { choosePattern, type LoadOptions } from "./load_options.ts";
import { knownRanks } from "./known_files.ts";
import { looksLikeRanks, parseTiktoken } from "./vocabulary/tiktoken_file.ts";
import { parseTokenizerJson } from "./vocabulary/tokenizer_json.ts";
import { refuseFile, refuseText } from "./vocabulary/tokenizer_text.ts";
import type { TextRules } from "./encode/text_preparation.ts";
import type { Vocabulary } from "./vocabulary/vocabulary.ts";

/**
 * Reads the text of a file that is whole by itself: a tokenizer.json, or ranks.
 *
 * @param name What it is called in messages, and known by.
 * @param beside How text is split, as files beside ranks say.
 * @throws {UserError} If it is neither, does not hold what it must, or the pattern is not known.
 */
export function parseTokenizer(text: string, name: string, options: LoadOptions, beside?: TextRules): Vocabulary {
  if (looksLikeRanks(text)) return parseRanks(text, name, options, beside);
  return text.trimStart().startsWith("{") ? parseTokenizerJson(text, name, options) : refuseText(name, text);
}

function parseRanks(
  text: string,
  name: string,
  { pattern, specialTokens, onNote }: LoadOptions,
  beside: TextRules | undefined,
): Vocabulary {
  const known = knownRanks(name, text);
  const specials = specialTokens ?? known?.specials;
  if (specials === undefined) onNote?.(`${name} does not say which tokens are special: none is`);
  const numRanks = text.split("\n").filter((line) => line.trim() !== "").length;
  if (known !== undefined && numRanks !== known.numRanks) {
    refuseFile(name, `${numRanks} ranks`, `${known.numRanks}, as tiktoken's file of this name`, "Fetch or rename it");
  }
  const chosen = choosePattern(name, known?.pattern ?? beside?.pattern, pattern);
  const normalizer = known?.normalizer ?? (known === undefined ? beside?.normalizer : undefined);
  const vocabulary = parseTiktoken(text, name, { pattern: chosen, specials: specials ?? [] });
  return { ...vocabulary, ...(normalizer && { normalizer }) };
}
