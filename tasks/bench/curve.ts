/**
 * Trains the same model twice, here and in PyTorch, and compares the loss curves.
 *
 *   deno task bench curve --torch venv/bin/python
 */
import { formatTable } from "../../lib/accounting/table.ts";
import type { Backend } from "../../lib/backend/backend.ts";
import { tokensInMemory, type TokenSource } from "../../lib/dataset/token_source.ts";
import { PRESETS } from "../../lib/model/config.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights } from "../../lib/model/weights.ts";
import { trainBpe } from "../../lib/tokenizer/mod.ts";
import { type ConfigParts, mergeConfigs, type MergedConfig } from "../../lib/run/merge_config.ts";
import { train } from "../../lib/train/train.ts";
import { startBackend } from "../cli/backend.ts";
import { requireInputFile } from "../cli/files.ts";
import type { Flags } from "../cli/flags.ts";
import { PRESETS_HELP } from "../cli/presets_help.ts";
import { startProgress } from "../cli/progress.ts";
import { runProgram } from "../cli/program.ts";
import { runTask } from "../cli/run.ts";
import { WORKERS_FLAG } from "../cli/measuring_flags.ts";
import { describeMachine, formatMachine } from "./machine.ts";
import { requireTorch } from "./torch.ts";
import { type CurveStep, runTorchCurve } from "./torch_curve.ts";

const HELP = `
Trains one model here and in PyTorch on real text, with the same configuration, initial weights and batches. Prints both
loss curves and their largest difference; and, to show what rounding alone does, PyTorch's own difference between float32
and float64.

  deno task bench curve --torch venv/bin/python

Model and training
  --torch PYTHON      A Python that has torch.
  --text FILE         Text to train on; a tokenizer is trained on it first (default: Shakespeare's plays)
  --vocab-size N      (default: 2000)
  --preset NAME       One of those below (default: tiny)
  --steps N           Optimizer updates: AdamW, cosine schedule with warm-up, clipping (default: 200)
  --batch-size N      (default: 16)
  --lr X              Peak learning rate (default: train-lm's)
  --beta2 X           AdamW's second moments (default: train-lm's)
  --seed N            Decides initial weights and batches (default: 0)

Measuring
  --backend NAME      auto, webgpu, native or wasm (default: auto)
  --workers N         Workers of wasm or native (default: one for each core)
  --json              All numbers instead of a table.

Presets, and their parameters
${PRESETS_HELP}
`;

const FLAGS = {
  torch: { type: "string", required: true },
  text: { type: "string" },
  "vocab-size": { type: "integer", default: 2000, min: 257 },
  preset: { type: "string", default: "tiny", choices: Object.keys(PRESETS) },
  steps: { type: "integer", default: 200, min: 1 },
  "batch-size": { type: "integer", default: 16, min: 1 },
  lr: { type: "number", above: 0 },
  beta2: { type: "number", min: 0, below: 1 },
  seed: { type: "integer", default: 0, min: 0 },
  backend: { type: "string", default: "auto", choices: ["auto", "webgpu", "native", "wasm"] },
  workers: WORKERS_FLAG,
  json: { type: "boolean" },
} as const;

const SHAKESPEARE = new URL("../../data/shakespeare.txt", import.meta.url);

/** Rows of the table that shows the curves. */
const TABLE_ROWS = 10;

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "bench curve", help: HELP, flags: FLAGS }, args, benchCurve);
}

async function benchCurve(flags: Flags<typeof FLAGS>): Promise<void> {
  if (flags.text !== undefined) await requireInputFile(flags.text);
  await requireTorch(flags.torch);
  const text = await Deno.readFile(flags.text ?? SHAKESPEARE);
  const tokenizer = await trainBpe(text, { vocabSize: flags["vocab-size"] });
  const source = tokensInMemory(tokenizer.encode(text), flags.text ?? "shakespeare.txt");
  const config = mergeConfigs([configOf(flags)], tokenizer.vocabSize);
  await using backend = await startBackend(flags.backend, { workers: flags.workers, tuned: true });
  const machine = describeMachine(backend);
  console.error(formatMachine(machine));
  const bytelm = await runCurve(backend, config, source);
  console.error("PyTorch, float32 …");
  const torch = await runTorchCurve(flags.torch, config, source, "float32");
  console.error("PyTorch, float64 …");
  const exact = await runTorchCurve(flags.torch, config, source, "float64");
  const curves = { bytelm, torch: torch.steps, torchFloat64: exact.steps };
  const largest = {
    "bytelm, PyTorch": largestDifference(bytelm, torch.steps),
    "bytelm, PyTorch in float64": largestDifference(bytelm, exact.steps),
    "PyTorch, PyTorch in float64": largestDifference(torch.steps, exact.steps),
  };
  if (flags.json) {
    console.log(JSON.stringify({ machine, torch: torch.about, ...config, largest, curves }, null, 2));
    return;
  }
  console.log(`${formatMachine(machine)}\n${torch.about}\n\n${formatCurves(curves)}\n\n${formatLargest(largest)}`);
}

function configOf(flags: Flags<typeof FLAGS>): ConfigParts {
  const { steps, lr, beta2, seed } = flags;
  return {
    preset: flags.preset,
    training: { steps, batchSize: flags["batch-size"], seed, ...(lr && { lr }), ...(beta2 && { beta2 }) },
  };
}

/** Trains as train-lm does. */
async function runCurve(backend: Backend, config: MergedConfig, source: TokenSource): Promise<CurveStep[]> {
  const steps: CurveStep[] = [];
  const model = new Transformer(config.model);
  const weights = initialWeights(config.model, config.training.seed, config.training);
  const progress = startProgress(config.training.steps, "step {value}/{total} [{bar}] loss {loss}", { loss: "-" });
  try {
    for await (
      const { step, loss, gradNorm, lr } of train({ backend, model, config: config.training, weights, train: source })
    ) {
      steps.push({ step, loss, gradNorm, lr });
      progress.update(step + 1, { loss: loss.toFixed(3) });
    }
  } finally {
    progress.stop();
  }
  return steps;
}

/** Where two curves are farthest apart. */
interface LargestDifference {
  /** Nats per token. */
  readonly absolute: number;
  /** The step, counted from 0; tables count from 1. */
  readonly absoluteAt: number;
  /** As a share of the second curve's value. */
  readonly relative: number;
  readonly relativeAt: number;
}

function largestDifference(curve: readonly CurveStep[], other: readonly CurveStep[]): LargestDifference {
  if (curve.length !== other.length) {
    throw new Error(`Cannot compare curves: got ${curve.length} and ${other.length} steps, must be as many`);
  }
  const absolute = curve.map(({ loss }, i) => Math.abs(loss - other[i].loss));
  const relative = absolute.map((value, i) => value / other[i].loss);
  const [a, r] = [Math.max(...absolute), Math.max(...relative)];
  // A curve that left the numbers is as far away as can be: NaN is found as such.
  const at = (values: readonly number[], value: number) => values.findIndex((other) => Object.is(other, value));
  return { absolute: a, absoluteAt: at(absolute, a), relative: r, relativeAt: at(relative, r) };
}

function formatCurves(curves: Readonly<Record<"bytelm" | "torch" | "torchFloat64", readonly CurveStep[]>>): string {
  const { bytelm, torch, torchFloat64 } = curves;
  const last = bytelm.length - 1;
  const shown = new Set(Array.from({ length: TABLE_ROWS + 1 }, (_, i) => Math.round(i * last / TABLE_ROWS)));
  const rows = [...shown].map((i) => [
    String(i + 1),
    ...[bytelm, torch, torchFloat64].map((curve) => curve[i].loss.toFixed(6)),
    (bytelm[i].loss - torch[i].loss).toExponential(1),
  ]);
  return formatTable(["step", "bytelm", "PyTorch", "in float64", "difference"], rows);
}

function formatLargest(largest: Readonly<Record<string, LargestDifference>>): string {
  const rows = Object.entries(largest).map(([name, { absolute, absoluteAt, relative, relativeAt }]) => [
    name,
    absolute.toExponential(2),
    String(absoluteAt + 1),
    relative.toExponential(2),
    String(relativeAt + 1),
  ]);
  return formatTable(["largest difference of", "nats", "at step", "relative", "at step"], rows);
}

if (import.meta.main) await runProgram(main);
