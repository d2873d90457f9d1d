// A tokenizer on disk: a directory with tokenizer.json and its equivalent, vocab.json and merges.txt; or another's
// file.
import { call, say, UserError } from "../errors.ts";
import { writeFileAtomically } from "../io/atomic.ts";
import { excerpt } from "../io/excerpt.ts";
import { hasJsonKeys } from "../io/has_json_keys.ts";
import { isFile } from "../io/is_file.ts";
import type { OwnEntries } from "../io/own_entries.ts";
import { nameOf, parentOf, plainPath } from "../io/parent_of.ts";
import { restoreReplaced } from "../io/replace_directory.ts";
import { knownPattern } from "../tokenizer/known_files.ts";
import { choosePattern, type LoadOptions } from "../tokenizer/load_options.ts";
import { parseTokenizer } from "../tokenizer/parse_tokenizer.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { pathOf, readSource, type TokenizerSource } from "../tokenizer/tokenizer_source.ts";
import { spelledTokens } from "../tokenizer/vocabulary/spelled_vocabulary.ts";
import { formatTokenizerJson } from "../tokenizer/vocabulary/tokenizer_json.ts";
import { decodeTokenizerText, refuseFile, requireTextSize } from "../tokenizer/vocabulary/tokenizer_text.ts";
import {
  formatMerges,
  mergeLines,
  parseAddedTokens,
  parseVocabAndMerges,
} from "../tokenizer/vocabulary/vocab_and_merges.ts";
import type { Vocabulary } from "../tokenizer/vocabulary/vocabulary.ts";

const TOKENIZER_JSON = "tokenizer.json";
/** The names of vocabulary and merges: Hugging Face's, and GPT-2's original ones. */
const PAIRS = [["vocab.json", "merges.txt"], ["encoder.json", "vocab.bpe"]] as const;
/** A file beside vocab.json, for some models. */
const ADDED_TOKENS = "added_tokens.json";
/** Ranks in Llama 3's releases; elsewhere a SentencePiece model. */
const TOKENIZER_MODEL = "tokenizer.model";
/** The tokenizer as ranks, in some directories. */
export const TOKENIZER_TIKTOKEN = "tokenizer.tiktoken";

/** The files of a tokenizer's directory. */
export const TOKENIZER_ENTRIES: OwnEntries = {
  what: "a tokenizer",
  files: [TOKENIZER_JSON, ...PAIRS[0], TOKENIZER_TIKTOKEN],
  isOwn: (directory) => hasJsonKeys(`${directory}/${TOKENIZER_JSON}`, ["model", "added_tokens"]),
};

/**
 * Saves a tokenizer into a directory, beside whatever else it holds; the directory is made if it does not exist.
 * vocab.json and merges.txt are left out if they could not express the tokenizer: only tokenizer.json can say that
 * merges are ignored for whole tokens.
 *
 * @throws {UserError} If a special token is spelled like another token; nothing is written then.
 */
export async function saveTokenizer(tokenizer: Tokenizer, dir: string): Promise<void> {
  const { vocab, merges } = spelledTokens(tokenizer.vocabulary);
  if (tokenizer.vocabulary.ignoreMerges !== true) {
    const [vocabName, mergesName] = PAIRS[0];
    await writeFileAtomically(`${dir}/${vocabName}`, JSON.stringify(vocab, null, 2));
    await writeFileAtomically(`${dir}/${mergesName}`, formatMerges(merges));
  }
  await writeFileAtomically(`${dir}/${TOKENIZER_JSON}`, formatTokenizerJson(tokenizer.vocabulary));
}

/**
 * Loads a tokenizer from a directory or a file. In a directory, it reads tokenizer.json if there is one, else
 * vocab.json and merges.txt (or encoder.json and vocab.bpe), else tokenizer.model if that holds tiktoken's ranks. You
 * can also give the path of one of these files, or of a rank file of any name. In a directory, the only other file that
 * is read is added_tokens.json beside vocab.json; tokenizer_config.json only tells what transformers does around a
 * tokenizer.
 *
 * Ranks, and vocab.json with merges.txt, tell neither the pattern nor which tokens are special. GPT-2's merges, and
 * tiktoken's own files by their names, are known. For others, you must give the pattern.
 *
 * A tokenizer.json or ranks can also be given as a URL (which is fetched), a `Response` or bytes, and a tokenizer.json
 * as text; this works in any runtime. A string that begins with `http://` or `https://` is an address, one that begins
 * with a brace and a quote is text, and any other is a path; the URL of a file is its path.
 *
 * @example A tokenizer.json in memory
 * ```ts
 * import { formatTokenizerJson } from "../tokenizer/vocabulary/tokenizer_json.ts";
 * import { loadTokenizer, trainBpe } from "../tokenizer/mod.ts";
 *
 * const json = formatTokenizerJson((await trainBpe("low low lower", { vocabSize: 259 })).vocabulary);
 * const tokenizer = await loadTokenizer(json);
 * console.log(tokenizer.encode("low").length); // 1
 * ```
 *
 * @throws {UserError} If there is no such file, the pattern is not known, or a file's contents are invalid.
 */
export async function loadTokenizer(source: TokenizerSource, options: LoadOptions = {}): Promise<Tokenizer> {
  const notes: string[] = []; // said if all goes well
  const noting = { ...options, onNote: (note: string) => notes.push(note) };
  const path = pathOf(source);
  const { name, vocabulary } = path === undefined ? await loadElsewhere(source, noting) : await loadPath(path, noting);
  for (const { text, id } of options.specialTokens ?? []) {
    if (vocabulary.specials.some((special) => special.text === text && special.id === id)) continue;
    refuseFile(name, `special token ${excerpt(text)} with id ${id}`, "one that the file says itself", "Leave it out");
  }
  const tokenizer = new Tokenizer(vocabulary);
  for (const note of notes) options.onNote?.(note);
  return tokenizer;
}

/**
 * The files that {@linkcode loadTokenizer} reads for `path`, or would read if they existed: nobody may write to them
 * meanwhile.
 */
export async function tokenizerFiles(path: string): Promise<string[]> {
  if (!await isFile(path)) {
    const names = [TOKENIZER_JSON, ...PAIRS.flat(), ADDED_TOKENS, TOKENIZER_MODEL, TOKENIZER_TIKTOKEN];
    return names.map((name) => `${plainPath(path)}/${name}`);
  }
  const pair = PAIRS.find((names) => names.some((part) => part === nameOf(path)));
  return pair === undefined ? [path] : [...pair, ADDED_TOKENS].map((name) => `${parentOf(path)}/${name}`);
}

interface Loaded {
  /** Where it was loaded from, for messages. */
  readonly name: string;
  readonly vocabulary: Vocabulary;
}

async function loadElsewhere(source: TokenizerSource, options: LoadOptions): Promise<Loaded> {
  const { name, text } = await readSource(source);
  return { name, vocabulary: parseTokenizer(text, name, options) };
}

async function loadPath(path: string, options: LoadOptions): Promise<Loaded> {
  if (!("Deno" in globalThis)) {
    throw new UserError(
      `Cannot load a tokenizer from ${path}: got a path, must be what a browser can read. Give a URL, a Response, bytes, ` +
        "or the text of a tokenizer.json",
    );
  }
  const vocabulary = await isFile(path) ? await loadFile(path, options) : await loadDirectory(path, options);
  return { name: path, vocabulary };
}

async function loadDirectory(dir: string, options: LoadOptions): Promise<Vocabulary> {
  await restoreReplaced(dir, TOKENIZER_ENTRIES);
  const names = [TOKENIZER_JSON, ...PAIRS.map(([vocab]) => vocab), TOKENIZER_MODEL];
  for (const name of names) if (await isFile(`${dir}/${name}`)) return await loadFile(`${dir}/${name}`, options);
  throw new UserError(
    say`Cannot load ${dir}: got none of ${names.join(", ")}, must have one. Make it with: ${
      call("saveTokenizer", { path: dir })
    }`,
  );
}

async function loadFile(path: string, options: LoadOptions): Promise<Vocabulary> {
  const slash = path.lastIndexOf("/") + 1;
  const dir = path.slice(0, slash), name = path.slice(slash);
  const pair = PAIRS.find((names) => names.some((part) => part === name));
  if (pair !== undefined) return await loadPair(`${dir}${pair[0]}`, `${dir}${pair[1]}`, options);
  return parseTokenizer(await readText(path), path, options);
}

async function loadPair(vocabPath: string, mergesPath: string, options: LoadOptions): Promise<Vocabulary> {
  for (const path of [vocabPath, mergesPath]) {
    if (!await isFile(path)) refuseFile(path, "no such file", "beside the other of its pair", "Fetch both");
  }
  const vocab = await readText(vocabPath);
  const merges = mergeLines(await readText(mergesPath));
  const addedPath = `${vocabPath.slice(0, vocabPath.lastIndexOf("/") + 1)}${ADDED_TOKENS}`;
  const added = await isFile(addedPath) ? parseAddedTokens(await readText(addedPath), addedPath) : [];
  const pattern = choosePattern(mergesPath, await knownPattern(merges), options.pattern);
  const { specialTokens: specials, onNote } = options;
  return parseVocabAndMerges(vocab, merges, vocabPath, { pattern, specials, added, onNote });
}

async function readText(path: string): Promise<string> {
  const { size } = await Deno.stat(path);
  requireTextSize(size, path);
  return decodeTokenizerText(await Deno.readFile(path), path);
}
