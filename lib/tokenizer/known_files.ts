// Well-known tokenizer files, and what they leave out.
import type { Pattern } from "./pretokenize/named_patterns.ts";
import type { TiktokenOptions } from "./vocabulary/tiktoken_file.ts";

/** A rank file of tiktoken. */
export interface KnownRanks extends TiktokenOptions {
  readonly numRanks: number;
}

const END_OF_TEXT = "<|endoftext|>";

/**
 * tiktoken's own files, by the name before `.tiktoken`.
 * Source: https://github.com/openai/tiktoken, tiktoken_ext/openai_public.py
 */
const KNOWN_RANKS: Readonly<Record<string, KnownRanks>> = {
  r50k_base: { numRanks: 50256, pattern: "gpt2", specials: [{ text: END_OF_TEXT, id: 50256 }] },
  p50k_base: { numRanks: 50280, pattern: "gpt2", specials: [{ text: END_OF_TEXT, id: 50256 }] },
  cl100k_base: {
    numRanks: 100256,
    pattern: "cl100k",
    specials: [
      { text: END_OF_TEXT, id: 100257 },
      { text: "<|fim_prefix|>", id: 100258 },
      { text: "<|fim_middle|>", id: 100259 },
      { text: "<|fim_suffix|>", id: 100260 },
      { text: "<|endofprompt|>", id: 100276 },
    ],
  },
  o200k_base: {
    numRanks: 199998,
    pattern: "o200k",
    specials: [{ text: END_OF_TEXT, id: 199999 }, { text: "<|endofprompt|>", id: 200018 }],
  },
};

/** What one of tiktoken's own rank files leaves out, by its name; `undefined` for other files. */
export function knownRanks(path: string): KnownRanks | undefined {
  const stem = path.slice(path.lastIndexOf("/") + 1).replace(/\.tiktoken$/, "");
  return Object.hasOwn(KNOWN_RANKS, stem) ? KNOWN_RANKS[stem] : undefined;
}

/** SHA-256 of GPT-2's merges, one per line, without the version line. RoBERTa, OPT and others have the same ones. */
const GPT2_MERGES = "04e3597d7996f292ca9b8b7285ca4d58a6ae171ac47d73fc7140ceb0c7a6bbc0";

/** The pattern that goes with well-known merges; `undefined` for others. */
export async function knownPattern(merges: readonly string[]): Promise<Pattern | undefined> {
  const bytes = new TextEncoder().encode(merges.join("\n"));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return digest.toHex() === GPT2_MERGES ? "gpt2" : undefined;
}
