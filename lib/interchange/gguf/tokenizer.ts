// The tokenizer inside a GGUF file, read as the tokenizer.json that it was made from.
import type { GgufMetadata } from "../../formats/gguf/gguf.ts";
import { parseTokenizer } from "../../tokenizer/parse_tokenizer.ts";
import { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { PRE_TOKENIZERS, type PreTokenizer } from "./pre_tokenizers.ts";

/** The metadata of a tokenizer. */
export const TOKENIZER_KEYS = {
  model: "tokenizer.ggml.model",
  pre: "tokenizer.ggml.pre",
  tokens: "tokenizer.ggml.tokens",
  types: "tokenizer.ggml.token_type",
  merges: "tokenizer.ggml.merges",
  eos: "tokenizer.ggml.eos_token_id",
  bos: "tokenizer.ggml.bos_token_id",
  addBos: "tokenizer.ggml.add_bos_token",
} as const;

const KEYS = TOKENIZER_KEYS;

/** What the model is called where there is no tokenizer. */
export const NO_TOKENIZER: readonly string[] = ["none", "no_vocab"];

/** Kinds of tokens: ordinary ones; those that text cannot spell; those that are found before anything is split; and none. */
export const NORMAL = 1, CONTROL = 3, USER_DEFINED = 4, UNUSED = 5;

/**
 * Reads the tokenizer of a GGUF file; `undefined` if there is none.
 * @throws {UserError} If it is of a kind that is not supported, naming the key that says so, or damaged.
 */
export function readGgufTokenizer(metadata: GgufMetadata, path: string): Tokenizer | undefined {
  if (!metadata.has(KEYS.model) || NO_TOKENIZER.includes(metadata.string(KEYS.model))) return undefined;
  if (metadata.string(KEYS.model) !== "gpt2") metadata.refuse(KEYS.model, "gpt2: byte-level BPE");
  const pre = metadata.string(KEYS.pre);
  if (!Object.hasOwn(PRE_TOKENIZERS, pre)) {
    metadata.refuse(KEYS.pre, `one of ${Object.keys(PRE_TOKENIZERS).join(", ")}`);
  }
  const tokens = metadata.strings(KEYS.tokens);
  const types = metadata.numbersOrNone(KEYS.types);
  if (types !== undefined && types.length !== tokens.length) {
    metadata.refuse(KEYS.types, `one for each of ${tokens.length} tokens`);
  }
  const kindOf = (id: number) => types?.[id];
  const added = tokens.flatMap((content, id) => {
    const kind = kindOf(id);
    if (kind !== CONTROL && kind !== USER_DEFINED) return [];
    const special = kind === CONTROL;
    return [{ id, content, special, single_word: false, lstrip: false, rstrip: false, normalized: false }];
  });
  const vocab: Record<string, number> = Object.create(null);
  for (const [id, token] of tokens.entries()) {
    if (token in vocab) metadata.refuse(KEYS.tokens, `different texts: ids ${vocab[token]} and ${id} have the same`);
    vocab[token] = id;
  }
  const merges = metadata.strings(KEYS.merges);
  const json = tokenizerJsonOf(PRE_TOKENIZERS[pre], { vocab, merges, added });
  return new Tokenizer(parseTokenizer(json, path, {}));
}

/** The text of a tokenizer.json of byte-level BPE. */
export function tokenizerJsonOf(
  { preTokenizer, normalizer = null, ignoreMerges = false }: PreTokenizer,
  { vocab, merges, added }: {
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges: readonly string[];
    readonly added: readonly unknown[];
  },
): string {
  return JSON.stringify({
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer,
    pre_tokenizer: preTokenizer,
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: ignoreMerges,
      vocab,
      merges,
    },
  });
}
