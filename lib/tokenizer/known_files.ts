// Well-known tokenizer files, and what they leave out.
import type { Pattern } from "./pretokenize/named_patterns.ts";
import type { NormalizerStep } from "./normalize/normalizer_steps.ts";
import { NAMED_PATTERNS } from "./pretokenize/named_patterns.ts";
import type { SpecialToken } from "./pretokenize/special_tokens.ts";
import type { TiktokenOptions } from "./vocabulary/tiktoken_file.ts";

/** A rank file of tiktoken. */
export interface KnownRanks extends TiktokenOptions {
  readonly numRanks: number;
  readonly normalizer?: readonly NormalizerStep[];
}

const END_OF_TEXT = "<|endoftext|>";

const QWEN3_SPECIALS = [
  END_OF_TEXT,
  "<|im_start|>",
  "<|im_end|>",
  "<|object_ref_start|>",
  "<|object_ref_end|>",
  "<|box_start|>",
  "<|box_end|>",
  "<|quad_start|>",
  "<|quad_end|>",
  "<|vision_start|>",
  "<|vision_end|>",
  "<|vision_pad|>",
  "<|image_pad|>",
  "<|video_pad|>",
  "<tool_call>",
  "</tool_call>",
  "<|fim_prefix|>",
  "<|fim_middle|>",
  "<|fim_suffix|>",
  "<|fim_pad|>",
  "<|repo_name|>",
  "<|file_sep|>",
  "<tool_response>",
  "</tool_response>",
  "<think>",
  "</think>",
  "<|audio_start|>",
  "<|audio_end|>",
  "<tts_pad>",
  "<tts_text_bos>",
  "<tts_text_eod>",
  "<tts_text_bos_single>",
  "<|audio_pad|>",
];

/** Qwen's special tokens, whose ids follow the ranks. */
function qwenSpecials(): SpecialToken[] {
  const extra = Array.from({ length: 205 }, (_, i) => `<|extra_${i}|>`);
  return [END_OF_TEXT, "<|im_start|>", "<|im_end|>", ...extra].map((text, i) => ({ text, id: 151643 + i }));
}

/**
 * Well-known files, by the name before `.tiktoken`.
 * Sources: https://github.com/openai/tiktoken, tiktoken_ext/openai_public.py;
 * https://huggingface.co/Qwen/Qwen-7B, tokenization_qwen.py
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
  qwen3_6: {
    numRanks: 248044,
    pattern: NAMED_PATTERNS["qwen3.5"],
    specials: QWEN3_SPECIALS.map((text, i) => ({ text, id: 248044 + i })),
    normalizer: [{ type: "NFC" }],
  },
  qwen: { numRanks: 151643, pattern: NAMED_PATTERNS.qwen2, specials: qwenSpecials(), normalizer: [{ type: "NFC" }] },
};

/** Special tokens of Llama 3.1 and later, whose ids follow the ranks; those of Llama 3 have the same ids, reserved. */
function llama3Specials(): SpecialToken[] {
  const first = [
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|reserved_special_token_0|>",
    "<|reserved_special_token_1|>",
    "<|finetune_right_pad_id|>",
    "<|reserved_special_token_2|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eom_id|>",
    "<|eot_id|>",
    "<|python_tag|>",
  ];
  const rest = Array.from({ length: 256 - first.length }, (_, i) => `<|reserved_special_token_${i + 3}|>`);
  return [...first, ...rest].map((text, i) => ({ text, id: 128000 + i }));
}

/**
 * Llama 3's tokenizer.model, whose name other models' files have too: known by the number of its ranks.
 * Source: https://github.com/meta-llama/llama-models, models/llama3/tokenizer.py
 */
const LLAMA3: KnownRanks = { numRanks: 128000, pattern: "cl100k-original", specials: llama3Specials() };

/**
 * What a well-known rank file leaves out, by its name: tiktoken's own, Qwen's, or Llama 3's; `undefined` for other files.
 *
 * @param text Its contents.
 */
export function knownRanks(path: string, text: string): KnownRanks | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (name === "tokenizer.model") {
    return text.split("\n").filter((line) => line !== "").length === LLAMA3.numRanks ? LLAMA3 : undefined;
  }
  const stem = name.replace(/\.tiktoken$/, "");
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
