/**
 * Trains with several settings and several seeds each, and compares what they learned in the same time.
 *
 *   deno task bench learning --minutes 3
 */
import { resolve } from "node:path";
import { UsageError } from "../cli/errors.ts";
import { requireInputFile } from "../cli/files.ts";
import type { Flags } from "../cli/flags.ts";
import { runProgram } from "../cli/program.ts";
import { runTask } from "../cli/run.ts";
import { makeDirectory } from "../../lib/io/make_directory.ts";
import { prepareCorpus } from "./learning/corpus.ts";
import { formatSummaries, summarise } from "./learning/results.ts";
import { trainMissing } from "./learning/train_missing.ts";
import { trainTorch } from "./learning/train_torch.ts";
import { describeLength, trainVariant } from "./learning/train_variant.ts";
import { leftOutVariants, NANOGPT, parseVariants, RECIPE_VARIANTS, type Variant } from "./learning/variants.ts";
import { describeMachine, formatMachine } from "./machine.ts";
import { requireTorch } from "./torch.ts";

const HELP = `
Trains with several settings and several seeds each, and compares how well the models predict text that was held out: bits
per byte by a strided window, with the mean's standard error, and Welch's t-test against the first. Every result is kept as
it comes; run again, the bench goes on where it ended, with more seeds or more variants if these are given.

  deno task bench learning --minutes 3
  deno task bench learning --minutes 3 --left-out
  deno task bench learning --steps 500 --variant "adamw: --preset tiny" --variant "muon: --preset tiny --optimizer muon"

What is compared; the first with each of the others (default: the recipes modern and course)
  --variant TEXT     A name, a colon, and flags for train-lm. May be given several times.
  --left-out         The modern recipe, and it with each of its settings as in the course's, one at a time.
  --torch PYTHON     Also what nanoGPT's README says to run on a CPU: a model of characters, trained in PyTorch by this
                     Python. Needs --minutes, which begin with its first step.

How long
  --minutes N        Each training, as by train-lm --minutes, which also chooses a model if no flag does.
  --steps N          Each training, in steps instead.
  --seeds N          Trainings of each variant (default: 5)

The text
  --text FILE        (default: Shakespeare's plays)
  --held-out X       The share of its bytes, at its end, that is predicted and not trained on (default: 0.1)
  --vocab-size N     Of the tokenizer, which is trained on the rest alone (default: 1024)
  --stride N         Of the window over the text held out, in tokens; in characters for nanoGPT's (default: 16)

  --out DIR          Where texts, tokens and results.jsonl are kept (default: runs/learning)
  --json             All numbers instead of a table.
`;

const FLAGS = {
  variant: { type: "strings" },
  "left-out": { type: "boolean" },
  torch: { type: "string" },
  minutes: { type: "number", above: 0 },
  steps: { type: "integer", min: 1 },
  seeds: { type: "integer", default: 5, min: 1 },
  text: { type: "string" },
  "held-out": { type: "number", default: 0.1, above: 0, below: 1 },
  "vocab-size": { type: "integer", default: 1024, min: 257 },
  stride: { type: "integer", default: 16, min: 1 },
  out: { type: "string", default: "runs/learning" },
  json: { type: "boolean" },
} as const;

const SHAKESPEARE = new URL("../../data/shakespeare.txt", import.meta.url);

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "bench learning", help: HELP, flags: FLAGS }, args, benchLearning);
}

async function benchLearning(flags: Flags<typeof FLAGS>): Promise<void> {
  const variants = variantsOf(flags);
  const length = lengthOf(flags);
  await requireTorch(flags.torch);
  if (flags.text !== undefined) await requireInputFile(flags.text);
  const text = await Deno.readFile(flags.text ?? SHAKESPEARE);
  const directory = resolve(flags.out);
  await makeDirectory(directory);
  const { stride } = flags;
  const corpus = await prepareCorpus(directory, text, {
    text: flags.text ?? "shakespeare.txt",
    bytes: text.length,
    heldOut: flags["held-out"],
    vocabSize: flags["vocab-size"],
    stride,
  });
  const machine = describeMachine();
  console.error(formatMachine(machine));
  const results = await trainMissing({
    variants,
    seeds: flags.seeds,
    length: describeLength(length),
    path: `${directory}/results.jsonl`,
    train: async (variant, seed) => {
      console.error(`${variant.name}, seed ${seed}, ${describeLength(length)}`);
      const options = { variant, seed, length, corpus, stride, directory };
      const result = variant.script === undefined
        ? await trainVariant(options)
        : await trainTorch(flags.torch!, variant.script, options);
      console.error(`  ${result.bitsPerByte.toFixed(4)} bits per byte`);
      return result;
    },
  });
  const summaries = summarise(results);
  if (flags.json) console.log(JSON.stringify({ machine, summaries, results: results.flat() }, null, 2));
  else console.log(`${formatMachine(machine)}\n${describeLength(length)} each\n\n${formatSummaries(summaries)}`);
}

function variantsOf(flags: Flags<typeof FLAGS>): readonly Variant[] {
  if (flags["left-out"] && flags.variant.length > 0) {
    throw new UsageError("Cannot run bench learning: got --left-out and --variant, must be only one of them");
  }
  const own = flags["left-out"]
    ? leftOutVariants()
    : flags.variant.length > 0
    ? parseVariants(flags.variant)
    : RECIPE_VARIANTS;
  return flags.torch === undefined ? own : [...own, NANOGPT];
}

function lengthOf({ minutes, steps, torch }: Flags<typeof FLAGS>) {
  if ((minutes === undefined) === (steps === undefined)) {
    throw new UsageError("Cannot run bench learning: must be given one of --minutes and --steps");
  }
  if (steps !== undefined && torch !== undefined) {
    throw new UsageError(
      "Cannot run bench learning: got --torch and --steps, must be --minutes with --torch: its steps are others",
    );
  }
  return minutes !== undefined ? { minutes } : { steps: steps! };
}

if (import.meta.main) await runProgram(main);
