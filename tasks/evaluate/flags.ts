// The flags of evaluate.
import { WHICH_WEIGHTS } from "../../lib/run/run_directory.ts";
import { LARGEST_FIRST_SEED } from "../../lib/random/philox.ts";
import { CHAT_TEMPLATE_FLAG } from "../chat/find_template.ts";
import { DOCUMENT_SEPARATOR_FLAG } from "../cli/document_separator.ts";
import { UsageError } from "../cli/errors.ts";
import { FIELD_FLAGS } from "../cli/field_flag.ts";
import type { Flags } from "../cli/flags.ts";
import { WEIGHTS_DTYPE_FLAG } from "../cli/load_run.ts";

export const HELP = `
Prints a model's loss, perplexity and bits per byte on a text. Every token but the first, which has nothing before it, is
predicted once, in a window that moves by a stride. All tokens but those of the first window see at least context length −
stride tokens before them.

  deno task evaluate --run out/run --input valid.txt
  deno task evaluate --run out/run --memorisation --corpus train.txt
  deno task evaluate --run out/run --chat chats.jsonl
  deno task evaluate --run out/run --choices arc.jsonl

With --memorisation, shows what the model copied: draws samples and finds the longest part of each that occurs verbatim
in the training text. With --chat, compares the model's answers with those of conversations. With --choices, lets it
choose among answers.

  --run RUN          A run directory that train-lm wrote with --tokenizer.
  --weights WHICH    last, or best: those with the lowest validation loss; of a run with --average-weights also live or
                     average: the one and the other of its newest checkpoint (default: last)
  --weights-dtype NAME  f32, bf16 or int8: what weights are kept in, as for generate (default: f32)
  --input FILE       Text that the model was not trained on, or - for stdin. Gzip and zstd are decompressed; each line of a
                     .jsonl or .ndjson file, and each row of a Parquet file, is a text.
  --field NAME       The field of JSON Lines, or the column of Parquet, with the text (default: text). If given, stdin and
                     files that look like JSON Lines are read as such.
  --as-text          Take a file that looks like JSON Lines, a JSON array or CSV for plain text.
  --separator TOKEN  Special token to put after each text, as the training text was encoded (default: none)
  --document-separator TEXT  The text between documents: each becomes the token of --separator, or else <|endoftext|>, as
                     for encode. With --memorisation, both are refused: overlaps are of text, not of tokens.
  --json             Print one JSON object.
  --backend NAME     auto, webgpu, native or wasm (default: auto)

Loss
  --stride N         Smaller is slower and fairer (default: half the context length)
  --batch-size N     Windows, conversations or choices that go through the model together (default: 8)
  --dtype NAME       f32, f16 or bf16, as for train-lm (default: f32)

Conversations
  --chat FILE        Conversations, one in each line, as for train-lm --sft: prints the loss on the tokens of their answers,
                     including those that end them, and bits per byte of the answers' text. Then lets the model answer with
                     its likeliest tokens, and prints how many conversations' last answers it gives word for word, but for
                     white space around them.
  --chat-template NAME  What turns conversations into text, as for train-lm (default: the tokenizer's own)
  --max-tokens N     An answer that has not ended after so many tokens is not the same (default: 200)

Multiple choice
  --choices FILE     Questions, one in each line, in the form of HellaSwag ("ctx", "endings", "label") or ARC ("question",
                     "choices", "answerKey"). Prints how often the right choice is the likeliest one, and how often it is so
                     per byte of its text, each with its standard error; lm-evaluation-harness calls them acc and acc_norm,
                     and counts characters for the latter. A ctx is read as it is, a question as "Question: ...", with
                     "Answer:" in the next line.

Memorisation
  --corpus FILE      The training text: plain, .gz, .zst, .jsonl, .parquet or - (stdin), of any size; it is read once. With it, --input must
                     be a plain file.
  --num-samples N    (default: 20)
  --max-tokens N     The most tokens in a sample (default: 200)
  --prompt TEXT      The prompt of every sample; not compared (default: the end of a document, or a line break)
  --temperature X    (default: 0.8)
  --top-p X          (default: 0.95)
  --seed N           The same seed gives the same samples (default: 0)
  --window-bytes N   With --input: also print the share of its windows of N bytes that occur in the corpus (default: 50)
`;

/** Flags that apply in one mode only, besides those that `modeOf` asks for. */
const LOSS_FLAGS = ["stride", "batch-size", "dtype", "separator", "document-separator"] as const;
const SAMPLE_FLAGS = ["num-samples", "prompt", "temperature", "top-p", "seed"] as const;
const MEMORISATION_FLAGS = [...SAMPLE_FLAGS, "max-tokens"] as const;
const TEXT_FLAGS = ["input", "field", "as-text", "separator", "document-separator", "stride"] as const;

export const FLAGS = {
  run: { type: "string", required: true },
  weights: { type: "string", default: "last", choices: WHICH_WEIGHTS },
  "weights-dtype": WEIGHTS_DTYPE_FLAG,
  input: {
    type: "string",
    requiredWithout: ["memorisation", "chat", "choices", "corpus", "window-bytes", ...MEMORISATION_FLAGS],
  },
  ...FIELD_FLAGS,
  separator: { type: "string" },
  "document-separator": DOCUMENT_SEPARATOR_FLAG,
  json: { type: "boolean" },
  backend: { type: "string", default: "auto", choices: ["auto", "webgpu", "native", "wasm"] },
  stride: { type: "integer", min: 1 },
  "batch-size": { type: "integer", min: 1 },
  dtype: { type: "string", choices: ["f32", "f16", "bf16"] },
  chat: { type: "string" },
  "chat-template": CHAT_TEMPLATE_FLAG,
  choices: { type: "string" },
  memorisation: { type: "boolean" },
  corpus: { type: "string" },
  "num-samples": { type: "integer", min: 1 },
  "max-tokens": { type: "integer", min: 1 },
  prompt: { type: "string", mayBeEmpty: true },
  temperature: { type: "number", min: 0 },
  "top-p": { type: "number", above: 0, max: 1 },
  seed: { type: "integer", min: 0, max: LARGEST_FIRST_SEED },
  "window-bytes": { type: "integer", min: 1, max: 1 << 16 },
} as const;

/** The values of evaluate's flags. */
export type EvaluateFlags = Flags<typeof FLAGS>;

/** The flags, with defaults for those of one mode. Not in FLAGS, because `modeOf` must see which ones were given. */
export function withDefaults(flags: EvaluateFlags) {
  return {
    ...flags,
    "batch-size": flags["batch-size"] ?? 8,
    dtype: flags.dtype ?? "f32",
    "num-samples": flags["num-samples"] ?? 20,
    "max-tokens": flags["max-tokens"] ?? 200,
    temperature: flags.temperature ?? 0.8,
    "top-p": flags["top-p"] ?? 0.95,
    seed: flags.seed ?? 0,
    "window-bytes": flags["window-bytes"] ?? 50,
  } as const;
}

/** What `withDefaults` gives. */
export type EvaluateSettings = ReturnType<typeof withDefaults>;

/** What is to be evaluated. */
export type EvaluateMode =
  | { readonly kind: "loss"; readonly input: string }
  | { readonly kind: "memorisation"; readonly corpus: string }
  | { readonly kind: "chat"; readonly path: string }
  | { readonly kind: "choices"; readonly path: string };

const SEE_HELP = "See: deno task evaluate --help";

/** @throws {UsageError} If what a mode needs is missing, or a flag is given that has no effect in it. */
export function modeOf(flags: EvaluateFlags): EvaluateMode {
  const { memorisation, corpus, input, chat, choices } = flags;
  const isGiven = (name: keyof EvaluateFlags) => flags[name] !== undefined && flags[name] !== false;
  const without = (names: readonly (keyof EvaluateFlags)[], problem: string, mustBe: string) => {
    const given = names.find(isGiven);
    if (given !== undefined) fail(`--${given} ${problem}`, mustBe);
  };
  const [kind, other] = (["memorisation", "chat", "choices"] as const).filter(isGiven);
  if (other !== undefined) fail(`--${kind} and --${other}`, "only one of them");
  if (chat === undefined) without(["chat-template"], "without --chat", "given both or neither");
  if (chat !== undefined || choices !== undefined) {
    const useless = [...TEXT_FLAGS, ...SAMPLE_FLAGS, "corpus", "window-bytes"] as const;
    without(useless, `with --${kind}`, "left out: it has no effect there");
    if (chat !== undefined) return { kind: "chat", path: chat };
    without(["max-tokens"], "with --choices", "left out: it has no effect there");
    return { kind: "choices", path: choices! };
  }
  if (memorisation) {
    without(LOSS_FLAGS, "with --memorisation", "left out: it only affects the loss");
    if (input === undefined) without(["window-bytes"], "without --input", "given both or neither");
    return {
      kind: "memorisation",
      corpus: corpus ?? fail("--memorisation without --corpus", "given the training text"),
    };
  }
  without(["corpus", "window-bytes", ...MEMORISATION_FLAGS], "without --memorisation", "given both or neither");
  return { kind: "loss", input: input ?? fail("no --input", "given a text") };
}

/** @throws {UsageError} If a window would move on by more than it is long. */
export function requireStride(stride: number | undefined, contextLength: number): void {
  if (stride === undefined || stride <= contextLength) return;
  fail(`--stride ${stride}`, `at most the model's context length, ${contextLength}`);
}

function fail(got: string, mustBe: string): never {
  throw new UsageError(`Cannot evaluate: got ${got}, must be ${mustBe}. ${SEE_HELP}`);
}
