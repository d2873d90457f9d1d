/**
 * The whole path on real text: tokenizer, token files, model, generated text.
 *
 *   deno task demo
 */
import { splitText } from "../lib/corpus/split.ts";
import { writeFileAtomically } from "../lib/io/atomic.ts";
import { isFile } from "../lib/io/is_file.ts";
import { lockDirectory } from "../lib/io/lock.ts";
import { makeDirectory } from "../lib/io/make_directory.ts";
import { type OwnEntries, removeOwnEntries } from "../lib/io/own_entries.ts";
import { tidyBeside } from "../lib/io/tidy.ts";
import { TOKENIZER_ENTRIES } from "../lib/formats/tokenizer_dir.ts";
import { RUN_ENTRIES } from "../lib/run/run_directory.ts";
import { main as encode } from "./encode.ts";
import { main as generate } from "./generate.ts";
import { main as trainBpe } from "./train_bpe.ts";
import { main as trainLm } from "./train_lm.ts";
import { UserError } from "./cli/errors.ts";
import { type Flags } from "./cli/flags.ts";
import { isInterruptedCode } from "./cli/interrupt.ts";
import { requireOutputDirectory } from "./cli/output.ts";
import { shellWord } from "./cli/shell_word.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
import { layOutCommand } from "./cli/help_text.ts";
import { startedAs } from "./cli/started_as.ts";

const DEFAULT_OUT = "runs/demo";

const HELP = `
Runs every step on Shakespeare's plays, printing each command: train-bpe, encode, train-lm, generate.

  deno task demo
  deno task demo --steps 1000 --out runs/longer

  --out DIR         Where to write (default: ${DEFAULT_OUT})
  --force           Replace DIR if it holds an earlier demo and nothing else.
  --steps N         Training steps (default: 400)
  --backend NAME    auto, webgpu, native or wasm (default: auto)
`;

const FLAGS = {
  out: { type: "string", default: DEFAULT_OUT },
  force: { type: "boolean" },
  steps: { type: "integer", default: 400, min: 1 },
  backend: { type: "string", default: "auto", choices: ["auto", "webgpu", "native", "wasm"] },
} as const;

const TEXT = new URL("../data/shakespeare.txt", import.meta.url);
const VOCAB_SIZE = "2000";
const VALID_FRACTION = 0.1;
const PROMPT = "ROMEO:";
const TRAIN_TEXT = "train.txt";

/** A task's name, what runs it, and its arguments. */
type Step = readonly [string, (args: string[]) => Promise<number>, string[]];

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "demo", help: HELP, flags: FLAGS }, args, demo);
}

async function demo({ out, force, steps, backend }: Flags<typeof FLAGS>): Promise<number | void> {
  const texts = splitText(await Deno.readFile(TEXT), VALID_FRACTION);
  const own = ownEntries(texts.train);
  await tidyBeside(`${out}/${TRAIN_TEXT}`);
  await requireOutputDirectory(out, { force, inputs: [], own });
  await makeDirectory(out);
  using _lock = await lockDirectory(out, "make a demo in");
  if (force) await removeOwnEntries(out, own);
  // First of all: a demo that was killed is known by it.
  await writeFileAtomically(`${out}/${TRAIN_TEXT}`, texts.train, { replace: false });
  await writeFileAtomically(`${out}/valid.txt`, texts.valid, { replace: false });

  const tokenizer = `${out}/tokenizer`;
  const run = `${out}/run`;
  const encodingOf = (part: string) => {
    const files = ["--input", `${out}/${part}.txt`, "--out", `${out}/${part}.npy`];
    return ["--tokenizer", tokenizer, ...files];
  };
  const data = ["--train", `${out}/train.npy`, "--valid", `${out}/valid.npy`, "--tokenizer", tokenizer];
  const how = ["--preset", "tiny", "--recipe", "modern", "--steps", String(steps), "--backend", backend];
  const all: readonly Step[] = [
    ["train-bpe", trainBpe, ["--input", `${out}/train.txt`, "--vocab-size", VOCAB_SIZE, "--out", tokenizer]],
    ["encode", encode, encodingOf("train")],
    ["encode", encode, encodingOf("valid")],
    ["train-lm", trainLm, [...data, "--out", run, ...how]],
    ["generate", generate, ["--run", run, "--prompt", PROMPT, "--backend", backend]],
  ];
  for (const [name, task, args] of all) {
    console.log(`\n$ ${layOutCommand(`${startedAs()} ${name} ${args.map(shellWord).join(" ")}`)}`);
    const code = await task(args);
    if (isInterruptedCode(code)) return code;
    if (code === 0) continue;
    throw new UserError(`Cannot finish the demo: got exit code ${code} from ${name}, must be 0. See above`);
  }
  console.log(`
Everything is in ${out}:
  tokenizer/           the tokenizer
  train.npy valid.npy  token ids
  run/                 report.html, model.safetensors, metrics.jsonl
More of it: ${startedAs()} generate --run ${run} --prompt "${PROMPT}" --seed 1`);
}

/** What a demo leaves in its directory. It is known by its text: others have files of these names too. */
function ownEntries(train: Uint8Array): OwnEntries {
  const ids = ["train.npy", "valid.npy"];
  return {
    what: "a demo",
    files: [...ids, ...ids.map((name) => `${name}.provenance.json`), "valid.txt", TRAIN_TEXT],
    directories: [[/^tokenizer$/, TOKENIZER_ENTRIES], [/^run$/, RUN_ENTRIES]],
    isOwn: async (directory) => {
      const path = `${directory}/${TRAIN_TEXT}`;
      if (!await isFile(path)) return false;
      const bytes = await Deno.readFile(path);
      return bytes.length === train.length && bytes.every((byte, i) => byte === train[i]);
    },
  };
}

if (import.meta.main) await runProgram(main);
