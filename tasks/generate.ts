/**
 * Continues a prompt with a trained model.
 *
 *   deno task generate --run RUN --prompt "ROMEO:"
 */
import { documentStart } from "../lib/generate/document_start.ts";
import { untilStopString } from "../lib/generate/text_stream.ts";
import { LARGEST_FIRST_SEED } from "../lib/random/philox.ts";
import { LoadedModel } from "../lib/run/loaded_model.ts";
import { startBackend } from "./cli/backend.ts";
import { UsageError } from "./cli/errors.ts";
import type { Flags } from "./cli/flags.ts";
import { loadRun, WEIGHTS_DTYPE_FLAG } from "./cli/load_run.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
import { SAMPLING_FLAGS, samplingOf } from "./cli/sampling_flags.ts";
import { writeOut } from "./cli/standard_output.ts";
import { unlessUnheard } from "./cli/unheard.ts";
import { readPrompt, typedLines } from "./generate/prompts.ts";

const HELP = `
Continues a prompt with a trained model, printing the text as it is generated. Once the model's context is full, its
newest half is kept and the text continues from there.

  deno task generate --run out/run --prompt "ROMEO:" --temperature 0.8 --seed 1
  deno task generate --run out/run --interactive

Model
  --run RUN          A run directory that train-lm wrote with --tokenizer.
  --weights WHICH    last, or best: those with the lowest validation loss (default: last)
  --weights-dtype NAME  What weights are kept in: f32; bf16, which takes half of the memory and of the time to read
                     them; or int8, which takes a quarter, with a scale for each row (default: f32)
  --backend NAME     auto, webgpu, native or wasm (default: auto)

Text
  --prompt TEXT      The text to continue (--prompt=TEXT if it begins with a dash); - reads its bytes from stdin
                     unchanged (default: the beginning of a document).
  --interactive      Continue each line that you type, until an empty line or the end of input.
  --num-samples N    Texts per prompt, with seeds counting up from --seed (default: 1). Several go through the model
                     together; each is the same text as with its seed alone.
  --max-tokens N     The most new tokens (default: 200)
  --stop TEXT        End before this text; may be given several times.

Sampling
  --temperature X    0 always takes the likeliest token; higher is wilder (default: 0.8)
  --top-k N          Sample among the N likeliest tokens.
  --min-p X          Sample among tokens at least X times as likely as the likeliest.
  --top-p X          Sample among the likeliest tokens that together have this probability (default: 0.95)
  --repetition-penalty X  Above 1, tokens that are already in the context become less likely; from 1e-6 to 1e6
                     (default: 1)
  --seed N           The same seed gives the same text (default: 0)
`;

const FLAGS = {
  run: { type: "string", required: true },
  weights: { type: "string", default: "last", choices: ["last", "best"] },
  "weights-dtype": WEIGHTS_DTYPE_FLAG,
  prompt: { type: "string", mayBeEmpty: true },
  interactive: { type: "boolean" },
  "num-samples": { type: "integer", default: 1, min: 1 },
  "max-tokens": { type: "integer", default: 200, min: 1 },
  stop: { type: "strings" },
  ...SAMPLING_FLAGS,
  seed: { type: "integer", default: 0, min: 0, max: LARGEST_FIRST_SEED },
  backend: { type: "string", default: "auto", choices: ["auto", "webgpu", "native", "wasm"] },
} as const;

/** What a person at a terminal sees before each line. */
const ASK = new TextEncoder().encode("> ");

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "generate", help: HELP, flags: FLAGS }, args, generate);
}

async function generate(flags: Flags<typeof FLAGS>): Promise<void> {
  if (flags.prompt !== undefined && flags.interactive) {
    throw new UsageError(
      "Cannot generate: got --prompt and --interactive, must be only one of them. See: deno task generate --help",
    );
  }
  if (flags.stop.includes("")) {
    throw new UsageError("Cannot generate: got an empty --stop, must be some text. See: deno task generate --help");
  }
  const sampling = samplingOf(flags);
  const run = await loadRun(flags.run, flags.weights, flags["weights-dtype"]);
  await using backend = await startBackend(flags.backend);
  await using model = await LoadedModel.load(backend, run);
  const { tokenizer, generator } = model;

  const options = {
    ...sampling,
    maxTokens: flags["max-tokens"],
    stopIds: model.stopIds,
  };
  const untilStop = (ids: AsyncIterable<number>) =>
    untilStopString(ids, (id) => tokenizer.decodeBytes([id]), flags.stop);
  const continuePrompt = async (prompt: string | Uint8Array) => {
    const ids = [...tokenizer.encode(prompt.length === 0 ? documentStart(tokenizer) : prompt)];
    const { seed, "num-samples": count } = flags;
    if (count === 1) return await printText(prompt, untilStop(generator.generate(ids, { ...options, seed })));
    for (let first = seed; first < seed + count; first += generator.maxSamples) {
      const length = Math.min(generator.maxSamples, seed + count - first);
      const seeds = Array.from({ length }, (_, i) => first + i);
      const samples = await generator.generateSamples(ids, options, seeds);
      if (first > seed) await print("\n");
      await printSamples(prompt, seeds, samples.map(untilStop));
    }
  };
  if (flags.interactive) {
    const ask = () => unlessUnheard(() => Deno.stdin.isTerminal() && Deno.stderr.writeSync(ASK));
    for await (const line of typedLines(Deno.stdin.readable, ask)) await continuePrompt(line);
  } else {
    await continuePrompt(flags.prompt === "-" ? await readPrompt(Deno.stdin.readable) : flags.prompt ?? "");
  }
}

/** Prints texts that are made together: the first as it is made, the others when all are finished. */
async function printSamples(
  prompt: string | Uint8Array,
  seeds: readonly number[],
  [first, ...others]: readonly AsyncIterable<Uint8Array>[],
): Promise<void> {
  await print(`--- seed ${seeds[0]}\n`);
  const [, ...finished] = await Promise.all([printText(prompt, first), ...others.map((text) => Array.fromAsync(text))]);
  for (const [i, text] of finished.entries()) {
    await print(`\n--- seed ${seeds[i + 1]}\n`);
    await printText(prompt, text);
  }
}

/** Prints a prompt and what follows it; bytes go out as they come: the terminal joins characters split over two tokens. */
async function printText(
  prompt: string | Uint8Array,
  text: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  await print(prompt);
  for await (const part of text) await print(part);
  await print("\n");
}

async function print(text: string | Uint8Array): Promise<void> {
  await writeOut(typeof text === "string" ? new TextEncoder().encode(text) : text);
}

if (import.meta.main) await runProgram(main);
