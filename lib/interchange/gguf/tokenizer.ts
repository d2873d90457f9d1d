// The tokenizer inside a GGUF file, read as the tokenizer.json that it was made from.
import type { GgufMetadata } from "../../formats/gguf/gguf.ts";
import { parseTokenizer } from "../../tokenizer/parse_tokenizer.ts";
import { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { PRE_TOKENIZERS } from "./pre_tokenizers.ts";
import { bpeJson, sentencePieceJson } from "./tokenizer_json.ts";

/** The metadata of a tokenizer. */
export const TOKENIZER_KEYS = {
  model: "tokenizer.ggml.model",
  pre: "tokenizer.ggml.pre",
  tokens: "tokenizer.ggml.tokens",
  types: "tokenizer.ggml.token_type",
  scores: "tokenizer.ggml.scores",
  merges: "tokenizer.ggml.merges",
  eos: "tokenizer.ggml.eos_token_id",
  bos: "tokenizer.ggml.bos_token_id",
  pad: "tokenizer.ggml.padding_token_id",
  unknown: "tokenizer.ggml.unknown_token_id",
  addBos: "tokenizer.ggml.add_bos_token",
  addSpace: "tokenizer.ggml.add_space_prefix",
  chatTemplate: "tokenizer.chat_template",
} as const;

const KEYS = TOKENIZER_KEYS;

/** What the model is called where there is no tokenizer. */
export const NO_TOKENIZER: readonly string[] = ["none", "no_vocab"];

/**
 * Kinds of tokens: ordinary ones; the unknown one; those that text cannot spell; those that are found before anything is
 * split; none; and those of bytes.
 */
export const NORMAL = 1, UNKNOWN = 2, CONTROL = 3, USER_DEFINED = 4, UNUSED = 5, BYTE = 6;

/** A token that is looked for before anything is split, as a tokenizer.json has it. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
  readonly single_word: false;
  readonly lstrip: false;
  readonly rstrip: false;
  readonly normalized: false;
}

/**
 * Reads the tokenizer of a GGUF file; `undefined` if there is none.
 * @throws {UserError} If it is of a kind that is not supported, naming the key that says so, or damaged.
 */
export function readGgufTokenizer(metadata: GgufMetadata, path: string): Tokenizer | undefined {
  if (!metadata.has(KEYS.model) || NO_TOKENIZER.includes(metadata.string(KEYS.model))) return undefined;
  const model = metadata.string(KEYS.model);
  if (model !== "gpt2" && model !== "llama") {
    metadata.refuse(KEYS.model, "gpt2 (byte-level BPE) or llama (SentencePiece BPE)");
  }
  const tokens = metadata.strings(KEYS.tokens);
  const types = metadata.numbersOrNone(KEYS.types);
  if (types !== undefined && types.length !== tokens.length) {
    metadata.refuse(KEYS.types, `one for each of ${tokens.length} tokens`);
  }
  const added: AddedToken[] = tokens.flatMap((content, id) => {
    const kind = types?.[id];
    if (kind !== CONTROL && kind !== USER_DEFINED) return [];
    return [{
      id,
      content,
      special: kind === CONTROL,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    }];
  });
  const json = model === "llama"
    ? sentencePieceJson(tokens, scoresOf(metadata, tokens.length), added, {
      unknown: metadata.integerOrNone(KEYS.unknown),
      addsSpace: metadata.booleanOrNone(KEYS.addSpace) ?? true,
    })
    : bpeJson(preTokenizerOf(metadata), {
      vocab: vocabOf(metadata, tokens),
      merges: metadata.strings(KEYS.merges),
      added,
    });
  return new Tokenizer({ ...parseTokenizer(json, path, {}), config: { settings: settingsOf(metadata, tokens) } });
}

function preTokenizerOf(metadata: GgufMetadata) {
  const pre = metadata.string(KEYS.pre);
  if (!Object.hasOwn(PRE_TOKENIZERS, pre)) {
    metadata.refuse(KEYS.pre, `one of ${Object.keys(PRE_TOKENIZERS).join(", ")}`);
  }
  return PRE_TOKENIZERS[pre];
}

function vocabOf(metadata: GgufMetadata, tokens: readonly string[]): Record<string, number> {
  const vocab: Record<string, number> = Object.create(null);
  for (const [id, token] of tokens.entries()) {
    if (token in vocab) metadata.refuse(KEYS.tokens, `different texts: ids ${vocab[token]} and ${id} have the same`);
    vocab[token] = id;
  }
  return vocab;
}

function scoresOf(metadata: GgufMetadata, count: number): ArrayLike<number> {
  const scores = metadata.numbers(KEYS.scores);
  return scores.length === count ? scores : metadata.refuse(KEYS.scores, `one for each of ${count} tokens`);
}

/** What a tokenizer_config.json would say: it changes no id. */
function settingsOf(metadata: GgufMetadata, tokens: readonly string[]): Record<string, unknown> {
  const settings: Record<string, unknown> = { tokenizer_class: "PreTrainedTokenizerFast" };
  for (const [name, key] of [["bos_token", KEYS.bos], ["eos_token", KEYS.eos], ["pad_token", KEYS.pad]] as const) {
    const id = metadata.integerOrNone(key);
    if (id === undefined) continue;
    if (id >= tokens.length) metadata.refuse(key, `below the ${tokens.length} tokens`);
    settings[name] = tokens[id];
  }
  const template = metadata.stringOrNone(KEYS.chatTemplate);
  return {
    ...settings,
    ...(template !== undefined && { chat_template: template }),
    clean_up_tokenization_spaces: false,
  };
}
