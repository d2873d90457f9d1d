// A tokenizer on disk: a directory with tokenizer.json and its equivalent, vocab.json and merges.txt; or another's
// file.
import { call, say, UserError } from "../errors.ts";
import {
  CHAT_TEMPLATE,
  formatTokenizerConfig,
  readTokenizerConfig,
  textSplitBeside,
  TOKENIZER_CONFIG,
} from "./tokenizer_config.ts";
import { writeFileAtomically } from "../io/atomic.ts";
import { excerpt } from "../io/excerpt.ts";
import { hasJsonKeys } from "../io/has_json_keys.ts";
import { isFile } from "../io/is_file.ts";
import type { OwnEntries } from "../io/own_entries.ts";
import { nameOf, parentOf, plainPath } from "../io/parent_of.ts";
import { restoreReplaced } from "../io/replace_directory.ts";
import { looksLikeRanks } from "../tokenizer/vocabulary/tiktoken_file.ts";
import { knownPattern, knownRanks } from "../tokenizer/known_files.ts";
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
  files: [TOKENIZER_JSON, ...PAIRS[0], TOKENIZER_TIKTOKEN, TOKENIZER_CONFIG, CHAT_TEMPLATE],
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
  const { vocabulary } = tokenizer;
  if (canBePair(vocabulary)) {
    const { vocab, merges } = spelledTokens(vocabulary);
    const [vocabName, mergesName] = PAIRS[0];
    await writeFileAtomically(`${dir}/${vocabName}`, JSON.stringify(vocab, null, 2));
    await writeFileAtomically(`${dir}/${mergesName}`, formatMerges(merges));
  }
  await writeFileAtomically(`${dir}/${TOKENIZER_CONFIG}`, formatTokenizerConfig(vocabulary));
  const { chatTemplate } = vocabulary.config ?? {};
  if (chatTemplate !== undefined) await writeFileAtomically(`${dir}/${CHAT_TEMPLATE}`, chatTemplate);
  await writeFileAtomically(`${dir}/${TOKENIZER_JSON}`, formatTokenizerJson(vocabulary));
}

/** Whether a vocab.json and a merges.txt can express a vocabulary, with a pattern. */
function canBePair({ ignoreMerges, sentencePieces, missingBytes }: Vocabulary): boolean {
  return ignoreMerges !== true && sentencePieces === undefined && missingBytes === undefined;
}

/**
 * Loads a tokenizer from a directory or a file. In a directory, it reads tokenizer.json if there is one, else
 * vocab.json and merges.txt (or encoder.json and vocab.bpe), else tokenizer.model if that holds tiktoken's ranks. You
 * can also give the path of one of these files, or of a rank file of any name. Beside them, added_tokens.json is read,
 * and tokenizer_config.json and chat_template.jinja, which change no id: they are kept and saved again.
 *
 * Ranks, and vocab.json with merges.txt, tell neither the pattern nor which tokens are special. A tokenizer.json or
 * tokenizer_config.json beside them may tell the pattern; GPT-2's merges are known, and by their names tiktoken's own
 * files, Qwen's, and Llama 3's. For others, you must give the pattern.
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
    const names = [
      TOKENIZER_JSON,
      ...PAIRS.flat(),
      ADDED_TOKENS,
      TOKENIZER_MODEL,
      TOKENIZER_TIKTOKEN,
      TOKENIZER_CONFIG,
      CHAT_TEMPLATE,
    ];
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
  const text = await readText(path);
  const needsPattern = looksLikeRanks(text) && options.pattern === undefined && knownRanks(path, text) === undefined;
  const beside = needsPattern ? await textSplitBeside(dir) : undefined;
  const vocabulary = parseTokenizer(text, path, options, beside);
  const config = name === TOKENIZER_JSON || name === TOKENIZER_MODEL ? await readTokenizerConfig(dir) : undefined;
  return { ...vocabulary, ...(config && { config }) };
}

async function loadPair(vocabPath: string, mergesPath: string, options: LoadOptions): Promise<Vocabulary> {
  for (const path of [vocabPath, mergesPath]) {
    if (!await isFile(path)) refuseFile(path, "no such file", "beside the other of its pair", "Fetch both");
  }
  const vocab = await readText(vocabPath);
  const merges = mergeLines(await readText(mergesPath));
  const addedPath = `${vocabPath.slice(0, vocabPath.lastIndexOf("/") + 1)}${ADDED_TOKENS}`;
  const added = await isFile(addedPath) ? parseAddedTokens(await readText(addedPath), addedPath) : [];
  const dir = vocabPath.slice(0, vocabPath.lastIndexOf("/") + 1);
  const beside = options.pattern === undefined ? await textSplitBeside(dir) : undefined;
  const pattern = beside?.pattern ?? choosePattern(mergesPath, await knownPattern(merges), options.pattern);
  const { specialTokens: specials, onNote } = options;
  const vocabulary = parseVocabAndMerges(vocab, merges, vocabPath, { pattern, specials, added, onNote });
  const config = await readTokenizerConfig(dir);
  return { ...vocabulary, ...(beside?.normalizer && { normalizer: beside.normalizer }), ...(config && { config }) };
}

async function readText(path: string): Promise<string> {
  const { size } = await Deno.stat(path);
  requireTextSize(size, path);
  return decodeTokenizerText(await Deno.readFile(path), path);
}
