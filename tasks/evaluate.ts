/**
 * Measures how well a trained model predicts a text.
 *
 *   deno task evaluate --run RUN --input FILE.txt
 */
import { tokensInMemory } from "../lib/dataset/token_source.ts";
import { Safetensors } from "../lib/model/safetensors.ts";
import { weightsFrom } from "../lib/model/weights_file.ts";
import { scoreTokens } from "../lib/train/score.ts";
import { startBackend } from "./cli/backend.ts";
import { requireInputFile } from "./cli/files.ts";
import type { Flags } from "./cli/flags.ts";
import { untilInterrupted } from "./cli/interrupt.ts";
import { loadRun } from "./cli/load_run.ts";
import { startProgress } from "./cli/progress.ts";
import { runTask } from "./cli/run.ts";

const HELP = `
Prints a model's loss, perplexity and bits per byte on a text. Every token but the first, which nothing comes before, is
predicted once, by a window that moves by a stride: all but the first window's see at least context length − stride
tokens before them.

  deno task evaluate --run RUN --input FILE.txt [options]

  --run RUN          A run directory that train-lm wrote with --tokenizer.
  --weights WHICH    last, or best: those of the lowest validation loss (default: last)
  --input FILE       UTF-8 text.
  --stride N         Smaller is slower and fairer (default: half the context length)
  --batch-size N     Windows that go through the model together (default: 8)
  --backend NAME     auto, webgpu or wasm (default: auto)
`;

const FLAGS = {
  run: { type: "string", required: true },
  weights: { type: "string", default: "last", choices: ["last", "best"] },
  input: { type: "string", required: true },
  stride: { type: "integer", min: 1 },
  "batch-size": { type: "integer", default: 8, min: 1 },
  backend: { type: "string", default: "auto", choices: ["auto", "webgpu", "wasm"] },
} as const;

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "evaluate", help: HELP, flags: FLAGS }, args, evaluate);
}

async function evaluate(flags: Flags<typeof FLAGS>): Promise<void> {
  await requireInputFile(flags.input);
  const { model, tokenizer, weights: weightsPath } = await loadRun(flags.run, flags.weights);
  const ids = tokenizer.encode(await Deno.readFile(flags.input));
  const source = tokensInMemory(ids, flags.input);
  using weights = await Safetensors.open(weightsPath);
  await using backend = await startBackend(flags.backend);
  const progress = startProgress(source.length - 1, "{value}/{total} tokens [{bar}]", {});
  const { nats, tokens } = await untilInterrupted(async (signal) => {
    try {
      return await scoreTokens(backend, model, source, {
        stride: flags.stride,
        batchSize: flags["batch-size"],
        weights: weightsFrom(weights, weightsPath),
        onProgress: (done) => progress.update(done, {}),
        signal,
      });
    } finally {
      progress.stop();
    }
  });
  const bytes = ids.subarray(1).reduce((sum, id) => sum + tokenizer.vocabulary.tokens.byteLength(id), 0);
  const loss = nats / tokens;
  const count = (n: number) => n.toLocaleString("en-US");
  console.log(`${count(tokens)} tokens, ${count(bytes)} bytes of ${flags.input}, with ${weightsPath}`);
  console.log(`loss           ${loss.toFixed(4)} nats per token`);
  console.log(`perplexity     ${Math.exp(loss).toFixed(2)} per token`);
  console.log(`bits per byte  ${(nats / Math.LN2 / bytes).toFixed(4)}`);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
