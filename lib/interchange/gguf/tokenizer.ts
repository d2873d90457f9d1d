// The tokenizer inside a GGUF file, read as the tokenizer.json that it was made from.
import type { GgufMetadata } from "../../formats/gguf/gguf.ts";
import { loadTokenizer } from "../../formats/tokenizer_dir.ts";
import type { Tokenizer } from "../../tokenizer/mod.ts";
import { PRE_TOKENIZERS } from "./pre_tokenizers.ts";

const KEYS = {
  model: "tokenizer.ggml.model",
  pre: "tokenizer.ggml.pre",
  tokens: "tokenizer.ggml.tokens",
  types: "tokenizer.ggml.token_type",
  merges: "tokenizer.ggml.merges",
} as const;

/** Kinds of tokens: those that text cannot spell, and those that are found before anything is split. */
const CONTROL = 3, USER_DEFINED = 4;

/**
 * Reads the tokenizer of a GGUF file; `undefined` if there is none.
 * @throws {UserError} If it is of a kind that is not supported, naming the key that says so, or damaged.
 */
export async function readGgufTokenizer(metadata: GgufMetadata): Promise<Tokenizer | undefined> {
  if (!metadata.has(KEYS.model) || metadata.string(KEYS.model) === "none") return undefined;
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
  const { preTokenizer, normalizer = null, ignoreMerges = false } = PRE_TOKENIZERS[pre];
  const json = JSON.stringify({
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
      merges: metadata.strings(KEYS.merges),
    },
  });
  return await loadTokenizer(new TextEncoder().encode(json));
}
