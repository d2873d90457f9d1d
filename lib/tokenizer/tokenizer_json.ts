// Hugging Face's tokenizer.json.
// Source: https://github.com/huggingface/tokenizers, what Tokenizer.save() writes for a byte-level BPE model.
import { UserError } from "../errors.ts";
import { PATTERN_NAMES, PATTERN_REGEX, type PatternName } from "./patterns.ts";
import { buildVocabulary, spelledTokens } from "./spelled_vocabulary.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** The text of a tokenizer.json that Hugging Face `tokenizers` loads, and that gives the same ids there. */
export function formatTokenizerJson(vocabulary: Vocabulary): string {
  const { vocab, merges } = spelledTokens(vocabulary);
  return JSON.stringify(
    {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: vocabulary.specials.toSorted((a, b) => a.id - b.id).map(({ id, text }) => ({
        id,
        content: text,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
      normalizer: null,
      pre_tokenizer: writePattern(vocabulary.pattern),
      post_processor: null,
      decoder: byteLevel(true),
      model: {
        type: "BPE",
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: false,
        vocab,
        merges,
      },
    },
    null,
    2,
  );
}

/**
 * Reads a tokenizer.json of a byte-level BPE model.
 *
 * @param name The file's name, for messages.
 * @throws {UserError} if it is not JSON, not such a model, or asks for something this tokenizer does not do.
 */
export function parseTokenizerJson(text: string, name: string): Vocabulary {
  const refuse = (got: string, mustBe: string): never => {
    throw new UserError(`Cannot read ${name}: got ${got}, must be ${mustBe}. Use a byte-level BPE tokenizer.json`);
  };
  const root = parseJson(text, name);
  const model = asRecord(root.model);
  if (model.type !== "BPE" && !(model.type === undefined && model.merges)) {
    refuse(`model ${String(model.type)}`, "BPE");
  }
  for (const key of ["dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"]) {
    if (model[key]) refuse(`model.${key} ${JSON.stringify(model[key])}`, "unset");
  }
  if (root.normalizer) refuse("a normalizer", "none");
  const added = (Array.isArray(root.added_tokens) ? root.added_tokens : []).map(asRecord);
  for (const token of added) {
    for (const key of ["single_word", "lstrip", "rstrip"]) {
      if (token[key] === true) refuse(`added token ${String(token.content)} with ${key}`, `without ${key}`);
    }
  }
  const merges = (Array.isArray(model.merges) ? model.merges : []).map((merge) =>
    typeof merge === "string" ? merge.split(" ") : merge
  );
  const specials = added.map((token) => ({ text: String(token.content), id: Number(token.id) }));
  return buildVocabulary(asRecord(model.vocab), merges, specials, readPattern(root.pre_tokenizer, refuse), name);
}

function byteLevel(usesRegex: boolean) {
  return { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: usesRegex };
}

function writePattern(pattern: PatternName): unknown {
  if (pattern === "gpt2") return byteLevel(true);
  const split = { type: "Split", pattern: { Regex: PATTERN_REGEX[pattern] }, behavior: "Isolated", invert: false };
  return { type: "Sequence", pretokenizers: [split, byteLevel(false)] };
}

function readPattern(preTokenizer: unknown, refuse: (got: string, mustBe: string) => never): PatternName {
  const root = asRecord(preTokenizer);
  const steps = root.type === "Sequence" && Array.isArray(root.pretokenizers)
    ? root.pretokenizers.map(asRecord)
    : [root];
  const last = steps.at(-1) ?? {};
  if (last.type === "ByteLevel" && last.add_prefix_space !== true) {
    if (steps.length === 1 && last.use_regex !== false) return "gpt2";
    const [split] = steps;
    const regex = asRecord(split.pattern).Regex;
    const isSplit = steps.length === 2 && split.type === "Split" && split.behavior === "Isolated" && !split.invert;
    const pattern = PATTERN_NAMES.find((name) => PATTERN_REGEX[name] === regex);
    if (isSplit && last.use_regex === false && pattern !== undefined) return pattern;
  }
  return refuse(
    `pre_tokenizer ${JSON.stringify(preTokenizer)}`,
    "ByteLevel without add_prefix_space, or a Split by the pattern of cl100k or o200k before it",
  );
}

/** @throws {UserError} if `text` is not a JSON object. */
export function parseJson(text: string, name: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UserError(
      `Cannot read ${name}: got no JSON (${(error as Error).message}), must be a JSON object. Write the file again`,
    );
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new UserError(`Cannot read ${name}: got another JSON value, must be an object. Write the file again`);
  }
  return value as Record<string, unknown>;
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}
