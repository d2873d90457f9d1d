/**
 * Continues a prompt with a trained model.
 *
 *   deno task generate --run RUN --prompt "ROMEO:"
 */
import { Generator } from "../lib/model/generator.ts";
import { Safetensors } from "../lib/model/safetensors.ts";
import { validateSampling } from "../lib/model/sampling.ts";
import { Transformer } from "../lib/model/transformer.ts";
import { writeWeights } from "../lib/model/weights.ts";
import { weightsFrom } from "../lib/model/weights_file.ts";
import { loadTokenizer, type Tokenizer } from "../lib/tokenizer/mod.ts";
import { findWeights, readModelConfig } from "../lib/train/run_directory.ts";
import { startBackend } from "./cli/backend.ts";
import { UserError } from "./cli/errors.ts";
import { requireDirectory } from "./cli/files.ts";
import type { Flags } from "./cli/flags.ts";
import { runTask } from "./cli/run.ts";

const HELP = `
Continues a prompt with a trained model, printing the text as it is made.

  deno task generate --run RUN --prompt TEXT [options]

  --run RUN          A run directory that train-lm wrote with --tokenizer.
  --prompt TEXT      The text to continue (--prompt=TEXT if it begins with a dash).
  --max-tokens N     New tokens at most (default: 200)
  --temperature X    0 always takes the likeliest token; higher is wilder (default: 0.8)
  --top-p X          Sample among the likeliest tokens that together have this probability (default: 0.95)
  --seed N           The same seed gives the same text (default: 0)
  --backend NAME     auto, webgpu or wasm (default: auto)
`;

const FLAGS = {
  run: { type: "string", required: true },
  prompt: { type: "string", required: true },
  "max-tokens": { type: "integer", default: 200, min: 1 },
  temperature: { type: "number", default: 0.8 },
  "top-p": { type: "number", default: 0.95 },
  seed: { type: "integer", default: 0, min: 0 },
  backend: { type: "string", default: "auto", choices: ["auto", "webgpu", "wasm"] },
} as const;

/** The special token that ends a document. */
const END_OF_TEXT = "<|endoftext|>";

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "generate", help: HELP, flags: FLAGS }, args, generate);
}

async function generate(flags: Flags<typeof FLAGS>): Promise<void> {
  const sampling = { temperature: flags.temperature, topP: flags["top-p"] };
  validateSampling(sampling);
  await requireDirectory(flags.run);
  const model = new Transformer(await readModelConfig(flags.run));
  const tokenizer = await loadRunTokenizer(flags.run, model.config.vocabSize);
  const weightsPath = await findWeights(flags.run);
  using weights = await Safetensors.open(weightsPath);
  await using backend = await startBackend(flags.backend);
  const generator = await Generator.create(backend, model);
  await writeWeights(backend, model, weightsFrom(weights, weightsPath));

  const endOfText = tokenizer.specialTokens.get(END_OF_TEXT);
  const ids = generator.generate([...tokenizer.encode(flags.prompt)], {
    ...sampling,
    maxTokens: flags["max-tokens"],
    seed: flags.seed,
    stopIds: endOfText === undefined ? [] : [endOfText],
  });
  const print = (bytes: Uint8Array) => writeAll(Deno.stdout, bytes);
  await print(new TextEncoder().encode(flags.prompt));
  // Bytes go out as they come: the terminal joins a character that is split over two tokens.
  for await (const id of ids) await print(tokenizer.decodeBytes([id]));
  await print(new TextEncoder().encode("\n"));
}

async function loadRunTokenizer(run: string, vocabSize: number): Promise<Tokenizer> {
  const tokenizer = await loadTokenizer(run);
  if (tokenizer.vocabSize > vocabSize) {
    throw new UserError(
      `Cannot generate from ${run}: got a tokenizer of ${tokenizer.vocabSize} tokens, must be at most the model's ` +
        `${vocabSize}. Train the model with this tokenizer`,
    );
  }
  return tokenizer;
}

async function writeAll(writer: { write(bytes: Uint8Array): Promise<number> }, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await writer.write(bytes.subarray(done));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
