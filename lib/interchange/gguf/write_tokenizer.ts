// A tokenizer as a GGUF file's metadata.
import { UserError } from "../../errors.ts";
import type { Tokenizer } from "../../tokenizer/mod.ts";
import { chatTemplatesOf } from "../../tokenizer/chat_templates.ts";
import { parseTokenizer } from "../../tokenizer/parse_tokenizer.ts";
import type { Vocabulary } from "../../tokenizer/vocabulary/vocabulary.ts";
import { spelledTokens } from "../../tokenizer/vocabulary/spelled_vocabulary.ts";
import { formatTokenizerJson } from "../../tokenizer/vocabulary/tokenizer_json.ts";
import { spellBytes } from "../../tokenizer/vocabulary/byte_level.ts";
import { NEAR_PRE_TOKENIZERS, PRE_TOKENIZERS, type PreTokenizer } from "./pre_tokenizers.ts";
import { CONTROL, NO_TOKENIZER, NORMAL, TOKENIZER_KEYS as KEYS, UNUSED, USER_DEFINED } from "./tokenizer.ts";
import { sentencePieceEntries, unusedToken } from "./write_sentence_pieces.ts";
import { bpeJson } from "./tokenizer_json.ts";
import type { GgufEntry } from "./write_architectures.ts";

/**
 * The metadata of a tokenizer, as llama.cpp reads it.
 *
 * @param vocabSize Rows of the model: those without a token are named as unused.
 * @param stopIds The ids at which a text ends; the first is the one that llama.cpp calls the end.
 * @param onNote Called with what llama.cpp does otherwise.
 * @throws {UserError} If llama.cpp does not split texts in the tokenizer's way.
 */
export function tokenizerEntries(
  tokenizer: Tokenizer | undefined,
  vocabSize: number,
  stopIds: readonly number[],
  onNote: (note: string) => void,
): GgufEntry[] {
  if (tokenizer === undefined) return [[KEYS.model, { type: "string", value: NO_TOKENIZER[0] }]];
  const { vocabulary } = tokenizer;
  const template = chatTemplatesOf(vocabulary.config).default as string | undefined;
  const id = (key: string, value: number): GgufEntry => [key, { type: "uint32", value }];
  return [
    ...vocabulary.sentencePieces === undefined
      ? byteLevelEntries(tokenizer, vocabSize, onNote)
      : sentencePieceEntries(vocabulary, vocabulary.sentencePieces, vocabSize),
    [KEYS.addBos, { type: "bool", value: false }],
    ...(template === undefined ? [] : [[KEYS.chatTemplate, { type: "string", value: template }] as const]),
    ...(stopIds.length === 0 ? [] : [id(KEYS.eos, stopIds[0]), id(KEYS.bos, stopIds[0])]),
  ];
}

function byteLevelEntries(tokenizer: Tokenizer, vocabSize: number, onNote: (note: string) => void): GgufEntry[] {
  const { vocabulary } = tokenizer;
  const pre = preTokenizerOf(tokenizer, onNote);
  const { vocab, merges } = spelledTokens(vocabulary);
  const tokens = Array.from({ length: vocabSize }, (_, id) => unusedToken(id));
  const types = new Int32Array(vocabSize).fill(UNUSED);
  for (const [token, id] of Object.entries(vocab)) [tokens[id], types[id]] = [token, NORMAL];
  for (const { text, id, special = true } of vocabulary.specials) {
    [tokens[id], types[id]] = [text, special ? CONTROL : USER_DEFINED];
  }
  return [
    [KEYS.model, { type: "string", value: "gpt2" }],
    [KEYS.pre, { type: "string", value: pre }],
    [KEYS.tokens, { type: "array", of: "string", value: tokens }],
    [KEYS.types, { type: "array", of: "int32", value: types }],
    [KEYS.merges, { type: "array", of: "string", value: merges.map((merge) => merge.join(" ")) }],
  ];
}

/** The name of the pre-tokenizer of llama.cpp that does what the tokenizer's tokenizer.json says. */
function preTokenizerOf(tokenizer: Tokenizer, onNote: (note: string) => void): string {
  const own = stepsOf(tokenizer.vocabulary);
  // Compared as this project writes them: there is more than one way to write the same steps.
  const isOwn = (pre: PreTokenizer) => {
    const json = bpeJson(pre, { vocab: BYTES_ALONE, merges: [], added: [] });
    try {
      return stepsOf(parseTokenizer(json, "a pre-tokenizer of llama.cpp", {})) === own;
    } catch (error) {
      // Steps that are not supported here are not this tokenizer's.
      if (error instanceof UserError) return false;
      throw error;
    }
  };
  for (const [name, pre] of [PRE_TOKENIZERS, NEAR_PRE_TOKENIZERS].flatMap((table) => Object.entries(table))) {
    if (!isOwn(pre)) continue;
    if (pre.note !== undefined) onNote(pre.note);
    return name;
  }
  throw new UserError(
    "Cannot export the tokenizer: got a way to split texts that llama.cpp has no name for, must be that of one of " +
      `${Object.keys(PRE_TOKENIZERS).join(", ")}. Export the model for transformers`,
  );
}

/** A vocabulary of the 256 bytes. */
const BYTES_ALONE = Object.fromEntries(
  Array.from({ length: 256 }, (_, byte) => [spellBytes(Uint8Array.of(byte)), byte]),
);

/** What a tokenizer does with a text before it merges. */
function stepsOf(vocabulary: Vocabulary): string {
  const { normalizer, pre_tokenizer, model } = JSON.parse(formatTokenizerJson(vocabulary)) as Record<string, unknown>;
  return JSON.stringify([normalizer, pre_tokenizer, (model as Record<string, unknown>).ignore_merges]);
}
