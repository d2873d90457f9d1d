// The tokenizer.json of which the tokenizer in a GGUF file was made.
import type { AddedToken } from "./tokenizer.ts";
import type { PreTokenizer } from "./pre_tokenizers.ts";

/** The text of a tokenizer.json of byte-level BPE. */
export function bpeJson(
  { preTokenizer, normalizer = null, ignoreMerges = false }: PreTokenizer,
  { vocab, merges, added }: {
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges: readonly string[];
    readonly added: readonly AddedToken[];
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
    model: { ...MODEL, fuse_unk: false, byte_fallback: false, ignore_merges: ignoreMerges, vocab, merges },
  });
}

const MODEL = {
  type: "BPE",
  dropout: null,
  unk_token: null,
  continuing_subword_prefix: null,
  end_of_word_suffix: null,
};

/** What SentencePiece writes for a space. */
export const SPACE_SIGN = "\u2581";

/**
 * The text of a tokenizer.json of SentencePiece BPE with byte fallback. The merges are those that give a token of two
 * others, in the order of the tokens' scores.
 *
 * Source: transformers, convert_slow_tokenizer.py, which makes the same of a SentencePiece model.
 */
export function sentencePieceJson(
  tokens: readonly string[],
  scores: ArrayLike<number>,
  added: readonly AddedToken[],
  { unknown, addsSpace }: { readonly unknown: number | undefined; readonly addsSpace: boolean },
): string {
  const vocab: Record<string, number> = Object.create(null);
  for (const [id, token] of tokens.entries()) vocab[token] = id;
  const replace = (pattern: string, content: string) => ({ type: "Replace", pattern: { String: pattern }, content });
  return JSON.stringify({
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: {
      type: "Sequence",
      normalizers: [...(addsSpace ? [{ type: "Prepend", prepend: SPACE_SIGN }] : []), replace(" ", SPACE_SIGN)],
    },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: "Sequence",
      decoders: [
        replace(SPACE_SIGN, " "),
        { type: "ByteFallback" },
        { type: "Fuse" },
        ...(addsSpace ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      ...MODEL,
      unk_token: unknown === undefined ? null : tokens[unknown] ?? null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab,
      merges: mergesOf(tokens, scores, vocab, new Set(added.map(({ id }) => id))),
    },
  });
}

/** The pairs of tokens that are a token together, those of the highest score first. */
export function mergesOf(
  tokens: readonly string[],
  scores: ArrayLike<number>,
  vocab: Readonly<Record<string, number>>,
  added: ReadonlySet<number>,
): [string, string][] {
  const merges: { readonly pair: [string, string]; readonly ids: readonly [number, number]; readonly score: number }[] =
    [];
  for (const [id, token] of tokens.entries()) {
    if (added.has(id)) continue;
    const characters = [...token];
    for (let end = 1, left = ""; end < characters.length; end++) {
      left += characters[end - 1];
      const right = token.slice(left.length);
      const ids = [vocab[left], vocab[right]] as const;
      if (ids.some((id) => id === undefined || added.has(id))) continue;
      merges.push({ pair: [left, right], ids, score: scores[id] });
    }
  }
  merges.sort((a, b) => b.score - a.score || a.ids[0] - b.ids[0] || a.ids[1] - b.ids[1]);
  return merges.map(({ pair }) => pair);
}
