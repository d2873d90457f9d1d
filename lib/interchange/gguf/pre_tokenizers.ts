// llama.cpp's names of pre-tokenizers, as the steps of a tokenizer.json.
// Source: llama.cpp's llama-vocab.cpp, and the tokenizer.json files of the models that it names them after.
import { PATTERN_REGEX } from "../../tokenizer/pretokenize/patterns.ts";

/** What a tokenizer.json says of how a text is split. */
export interface PreTokenizer {
  readonly preTokenizer: unknown;
  /** Default: none. */
  readonly normalizer?: unknown;
  /** Default: false. */
  readonly ignoreMerges?: boolean;
  /** When llama.cpp gives other ids, a sentence without its full stop. */
  readonly note?: string;
}

const byteLevel = (useRegex: boolean) => ({
  type: "ByteLevel",
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: useRegex,
});

const sequence = (...pretokenizers: unknown[]) => ({ type: "Sequence", pretokenizers });

const split = (regex: string) => ({ type: "Split", pattern: { Regex: regex }, behavior: "Isolated", invert: false });

const byRegex = (regex: string) => sequence(split(regex), byteLevel(false));

const NFC = { type: "NFC" };

const GPT2: PreTokenizer = { preTokenizer: byteLevel(true) };

const DIGITS: PreTokenizer = {
  preTokenizer: sequence({ type: "Digits", individual_digits: true }, byteLevel(true)),
};

const LLAMA3: PreTokenizer = { preTokenizer: byRegex(PATTERN_REGEX["cl100k-original"]), ignoreMerges: true };

/** Digits one by one; otherwise like Llama 3's. */
const QWEN2 = PATTERN_REGEX["cl100k-original"].replace("{1,3}", "");

/** By `tokenizer.ggml.pre`. */
export const PRE_TOKENIZERS: Readonly<Record<string, PreTokenizer>> = {
  "gpt-2": GPT2,
  "phi-2": GPT2,
  mpt: { ...GPT2, normalizer: NFC },
  olmo: { ...GPT2, normalizer: NFC },
  "llama-bpe": LLAMA3,
  dbrx: { ...LLAMA3, ignoreMerges: false },
  "gpt-4o": {
    preTokenizer: byRegex(PATTERN_REGEX.o200k),
    note:
      "llama.cpp gives other ids for text with combining marks (U+0301): its pattern splits them from their letters",
  },
  qwen2: { preTokenizer: byRegex(QWEN2), normalizer: NFC },
  smollm: DIGITS,
  starcoder: DIGITS,
  refact: DIGITS,
  "command-r": DIGITS,
};

/** Ways that llama.cpp has nearly, by the name of the nearest. */
export const NEAR_PRE_TOKENIZERS: Readonly<Record<string, PreTokenizer>> = {
  dbrx: {
    preTokenizer: byRegex(PATTERN_REGEX.cl100k),
    note: "llama.cpp may give other ids for text that ends in white space with a newline in it",
  },
};
