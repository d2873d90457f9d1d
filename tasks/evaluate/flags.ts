// The flags of evaluate.
import { LARGEST_FIRST_SEED } from "../../lib/random/philox.ts";
import { UsageError } from "../cli/errors.ts";
import type { Flags } from "../cli/flags.ts";

export const HELP = `
Prints a model's loss, perplexity and bits per byte on a text. Every token but the first, which nothing comes before, is
predicted once, by a window that moves by a stride: all but the first window's see at least context length − stride
tokens before them.

With --memorisation, prints what the model copied: draws samples and finds the longest part of each that occurs verbatim
in the training text.

  deno task evaluate --run RUN --input FILE.txt [options]
  deno task evaluate --run RUN --memorisation --corpus TRAIN.txt [--input VALID.txt] [options]

  --run RUN          A run directory that train-lm wrote with --tokenizer.
  --weights WHICH    last, or best: those of the lowest validation loss (default: last)
  --input FILE       Text that the model was not trained on, or - for stdin. Gzip is unpacked; of .jsonl and .ndjson
                     files each line is a text.
  --field NAME       Field of the .jsonl objects with the text (default: text). With stdin: that is JSON Lines too.
  --json             Print one JSON object.
  --backend NAME     auto, webgpu or wasm (default: auto)

Loss
  --stride N         Smaller is slower and fairer (default: half the context length)
  --batch-size N     Windows that go through the model together (default: 8)
  --dtype NAME       f32, or f16 on a GPU with shader-f16, as of train-lm (default: f32)

Memorisation
  --corpus FILE      The training text: plain, .gz, .jsonl or - (stdin); read once, of any size. With it, --input is a
                     plain file.
  --num-samples N    (default: 20)
  --max-tokens N     Tokens of a sample at most (default: 200)
  --prompt TEXT      What every sample continues; not compared (default: the end of a document, or a line break)
  --temperature X    (default: 0.8)
  --top-p X          (default: 0.95)
  --seed N           The same seed gives the same samples (default: 0)
  --window-bytes N   With --input: the share of its windows of N bytes that occur in the corpus (default: 50)
`;

export const FLAGS = {
  run: { type: "string", required: true },
  weights: { type: "string", default: "last", choices: ["last", "best"] },
  input: { type: "string" },
  field: { type: "string" },
  json: { type: "boolean" },
  backend: { type: "string", default: "auto", choices: ["auto", "webgpu", "wasm"] },
  stride: { type: "integer", min: 1 },
  "batch-size": { type: "integer", default: 8, min: 1 },
  dtype: { type: "string", default: "f32", choices: ["f32", "f16"] },
  memorisation: { type: "boolean" },
  corpus: { type: "string" },
  "num-samples": { type: "integer", default: 20, min: 1 },
  "max-tokens": { type: "integer", default: 200, min: 1 },
  prompt: { type: "string", mayBeEmpty: true },
  temperature: { type: "number", default: 0.8, min: 0 },
  "top-p": { type: "number", default: 0.95, above: 0, max: 1 },
  seed: { type: "integer", default: 0, min: 0, max: LARGEST_FIRST_SEED },
  "window-bytes": { type: "integer", default: 50, min: 1, max: 1 << 16 },
} as const;

/** The values of evaluate's flags. */
export type EvaluateFlags = Flags<typeof FLAGS>;

/** What is to be evaluated. */
export type EvaluateMode =
  | { readonly kind: "loss"; readonly input: string }
  | { readonly kind: "memorisation"; readonly corpus: string };

/** @throws {UsageError} If what a mode needs is missing, or given without it. */
export function modeOf({ memorisation, corpus, input }: EvaluateFlags): EvaluateMode {
  const fail = (got: string, mustBe: string): never => {
    throw new UsageError(`Cannot evaluate: got ${got}, must be ${mustBe}. See: deno task evaluate --help`);
  };
  if (memorisation) {
    return {
      kind: "memorisation",
      corpus: corpus ?? fail("--memorisation without --corpus", "given the training text"),
    };
  }
  if (corpus !== undefined) fail("--corpus without --memorisation", "given both or none");
  return { kind: "loss", input: input ?? fail("no --input", "given one") };
}
