// A tokenizer on disk: a directory with tokenizer.json, and the same as vocab.json and merges.txt.
import { UserError } from "../errors.ts";
import { writeFileAtomically } from "../io/atomic.ts";
import { hasJsonKeys } from "../io/has_json_keys.ts";
import type { OwnEntries } from "../io/own_entries.ts";
import { restoreReplaced } from "../io/replace_directory.ts";
import { unspellBytes } from "./byte_level.ts";
import { parseTiktoken, tiktokenOptionsFor } from "./tiktoken_file.ts";
import { buildVocabulary, spelledTokens } from "./spelled_vocabulary.ts";
import { Tokenizer } from "./tokenizer.ts";
import { formatTokenizerJson, parseJson, parseTokenizerJson } from "./tokenizer_json.ts";
import type { Vocabulary } from "./vocabulary.ts";

const TOKENIZER_JSON = "tokenizer.json";
const VOCAB_JSON = "vocab.json";
const MERGES_TXT = "merges.txt";
/** The same as ranks, which only some directories have. */
export const TOKENIZER_TIKTOKEN = "tokenizer.tiktoken";

/** What is written into a tokenizer. */
export const TOKENIZER_ENTRIES: OwnEntries = {
  what: "a tokenizer",
  files: [TOKENIZER_JSON, VOCAB_JSON, MERGES_TXT, TOKENIZER_TIKTOKEN],
  isOwn: (directory) => hasJsonKeys(`${directory}/${TOKENIZER_JSON}`, ["model", "added_tokens"]),
};

/**
 * Saves a tokenizer into a directory, which is made if it is not there, beside whatever else it holds.
 *
 * @throws {UserError} if a special token is spelled like another token, before anything is written.
 */
export async function saveTokenizer(tokenizer: Tokenizer, dir: string): Promise<void> {
  const { vocab, merges } = spelledTokens(tokenizer.vocabulary);
  const lines = merges.map(([left, right]) => `${left} ${right}\n`);
  await writeFileAtomically(`${dir}/${VOCAB_JSON}`, JSON.stringify(vocab, null, 2));
  await writeFileAtomically(`${dir}/${MERGES_TXT}`, `#version: 0.2\n${lines.join("")}`);
  await writeFileAtomically(`${dir}/${TOKENIZER_JSON}`, formatTokenizerJson(tokenizer.vocabulary));
}

/**
 * Loads a tokenizer from a directory: from tokenizer.json if it is there, else from vocab.json and merges.txt. Or from a
 * file of tiktoken's ranks, `NAME.tiktoken`; with the pattern and special tokens of tiktoken's own files by their names, else
 * with GPT-2's pattern and no special tokens.
 *
 * @throws {UserError} if neither is there, or a file does not hold what it must.
 */
export async function loadTokenizer(dir: string): Promise<Tokenizer> {
  if (dir.endsWith(".tiktoken")) {
    const ranks = await Deno.readTextFile(dir);
    return new Tokenizer(parseTiktoken(ranks, dir, tiktokenOptionsFor(dir)));
  }
  await restoreReplaced(dir);
  const json = await readIfPresent(`${dir}/${TOKENIZER_JSON}`);
  if (json !== null) return new Tokenizer(parseTokenizerJson(json, `${dir}/${TOKENIZER_JSON}`));
  const [vocab, merges] = await Promise.all([VOCAB_JSON, MERGES_TXT].map((file) => readIfPresent(`${dir}/${file}`)));
  if (vocab === null || merges === null) {
    throw new UserError(
      `Cannot load a tokenizer from ${dir}: got neither ${TOKENIZER_JSON} nor both of ${VOCAB_JSON} and ${MERGES_TXT}, must have one of these. Make it with: deno task train-bpe --out ${dir}`,
    );
  }
  return new Tokenizer(parseVocabAndMerges(vocab, merges, `${dir}/${VOCAB_JSON}`));
}

/**
 * Reads GPT-2's pair of files. They do not say which tokens are special: those that are neither a byte nor made by a merge.
 *
 * @param name The vocabulary file's name, for messages.
 * @throws {UserError} as {@linkcode loadTokenizer}.
 */
export function parseVocabAndMerges(vocabJson: string, mergesTxt: string, name: string): Vocabulary {
  const vocab = parseJson(vocabJson, name);
  const merges = mergesTxt.split("\n").filter((line, i) => line !== "" && !(i === 0 && line.startsWith("#version")))
    .map((line) => line.replace(/\r$/, "").split(" "));
  const made = new Set(merges.map((merge) => merge.join("")));
  const specials = Object.entries(vocab)
    .filter(([spelling]) => !made.has(spelling) && unspellBytes(spelling)?.length !== 1)
    .map(([text, id]) => ({ text, id: Number(id) }));
  return buildVocabulary(vocab, merges, specials, "gpt2", name);
}

async function readIfPresent(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
