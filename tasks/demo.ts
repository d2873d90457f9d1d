/**
 * The whole path on real text: tokenizer, token files, model, generated text.
 *
 *   deno task demo
 */
import { splitText } from "../lib/dataset/split.ts";
import { main as encode } from "./encode.ts";
import { main as generate } from "./generate.ts";
import { main as trainBpe } from "./train_bpe.ts";
import { main as trainLm } from "./train_lm.ts";
import { UserError } from "./cli/errors.ts";
import { requireAbsent } from "./cli/files.ts";
import { type Flags } from "./cli/flags.ts";
import { runTask } from "./cli/run.ts";

const DEFAULT_OUT = "runs/demo";

const HELP = `
Runs every step on Shakespeare's plays, printing each command: train-bpe, encode, train-lm, generate.

  deno task demo [options]

  --out DIR         Where to write (default: ${DEFAULT_OUT}, replaced if it is there)
  --force           Replace DIR if it exists.
  --steps N         Training steps (default: 400)
  --backend NAME    auto, webgpu or wasm (default: auto)
`;

const FLAGS = {
  out: { type: "string", default: DEFAULT_OUT },
  force: { type: "boolean" },
  steps: { type: "integer", default: 400, min: 1 },
  backend: { type: "string", default: "auto", choices: ["auto", "webgpu", "wasm"] },
} as const;

const TEXT = new URL("../data/shakespeare.txt", import.meta.url);
const VOCAB_SIZE = "2000";
const VALID_FRACTION = 0.1;
const PROMPT = "ROMEO:";

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "demo", help: HELP, flags: FLAGS }, args, demo);
}

async function demo({ out, force, steps, backend }: Flags<typeof FLAGS>): Promise<void> {
  const isOurs = out === DEFAULT_OUT;
  await requireAbsent(out, force || isOurs);
  if (force || isOurs) await Deno.remove(out, { recursive: true }).catch(ignoreNotFound);
  await Deno.mkdir(out, { recursive: true });
  const { train, valid } = splitText(await Deno.readFile(TEXT), VALID_FRACTION);
  await Deno.writeFile(`${out}/train.txt`, train);
  await Deno.writeFile(`${out}/valid.txt`, valid);

  const tokenizer = `${out}/tokenizer`;
  const run = `${out}/run`;
  await step("train-bpe", trainBpe, ["--input", `${out}/train.txt`, "--vocab-size", VOCAB_SIZE, "--out", tokenizer]);
  for (const part of ["train", "valid"]) {
    const files = ["--input", `${out}/${part}.txt`, "--out", `${out}/${part}.npy`];
    await step("encode", encode, ["--tokenizer", tokenizer, ...files]);
  }
  const data = ["--train", `${out}/train.npy`, "--valid", `${out}/valid.npy`, "--tokenizer", tokenizer];
  const how = ["--preset", "tiny", "--steps", String(steps), "--backend", backend];
  await step("train-lm", trainLm, [...data, "--out", run, ...how]);
  await step("generate", generate, ["--run", run, "--prompt", PROMPT, "--backend", backend]);
  console.log(`
Everything is in ${out}:
  tokenizer/           the tokenizer
  train.npy valid.npy  token ids
  run/                 report.html, model.safetensors, metrics.jsonl, config.json
More of it: deno task generate --run ${run} --prompt "${PROMPT}" --seed 1`);
}

/** Runs one task as a person would, showing the command. */
async function step(name: string, task: (args: string[]) => Promise<number>, args: string[]): Promise<void> {
  const words = args.map((word) => /[^\w./:-]/.test(word) ? JSON.stringify(word) : word);
  console.log(`\n$ deno task ${name} ${words.join(" ")}`);
  const code = await task(args);
  if (code !== 0) {
    throw new UserError(`Cannot finish the demo: got exit code ${code} from ${name}, must be 0. See above`);
  }
}

function ignoreNotFound(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
