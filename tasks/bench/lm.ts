/**
 * Measures whole training steps.
 *
 *   deno task bench lm --torch venv/bin/python
 */
import { exceededLimits } from "../../lib/accounting/limits_exceeded.ts";
import { countParameters } from "../../lib/accounting/parameters.ts";
import { formatTable } from "../../lib/accounting/table.ts";
import { measureTraining, type TrainingMeasurement } from "../../lib/accounting/training_summary.ts";
import { formatAmount, formatCount, formatShare, formatSi } from "../../lib/accounting/units.ts";
import type { Backend } from "../../lib/backend/backend.ts";
import { GPU_FLAG, startBackend } from "../cli/backend.ts";
import type { Flags } from "../cli/flags.ts";
import { runTask } from "../cli/run.ts";
import { REPEATS, WORKERS_FLAG } from "../cli/measuring_flags.ts";
import { measureLimits } from "../../lib/measure/limits.ts";
import { formatLimits } from "./format_limits.ts";
import { DEFAULT_LM_SHAPES, LM_SHAPES_HELP, type LmShape, namedLmShapes } from "./lm_shapes.ts";
import { createLmTrainer } from "./lm_trainer.ts";
import { describeMachine, formatMachine } from "./machine.ts";
import { median } from "../../lib/measure/kernel_time.ts";
import { requireTorch, TorchTrainer } from "./torch.ts";

const HELP = `
Measures whole training steps: forward, backward, clipping, AdamW.

  deno task bench lm --shapes small,medium

  --shapes NAME,NAME  Models to train (default: ${DEFAULT_LM_SHAPES})
  --torch PYTHON      Also train in PyTorch, in turns in the same run, and print the ratio.
  --torch-device NAME  cpu or cuda (default: cpu)
  --rounds N          Turns to take the medians of (default: 7)
  --dtype NAME        f32, f16 on a GPU with shader-f16, or bf16 on native; PyTorch computes in f32 (default: f32)
  --backend NAME      auto, webgpu, native or wasm (default: auto)
  --gpu WHAT          dawn, or the path of its add-on: a WebGPU that uses an NVIDIA GPU's matrix units in f16; needs
                      deno run -A (default: Deno's own)
  --workers N         Workers of wasm or native (default: one for each core)
  --json              All numbers instead of a table.

Shapes
${LM_SHAPES_HELP}

FLOP/s are model FLOP/s: three times the forward pass's matrix products, attention counted in full.
`;

const FLAGS = {
  shapes: { type: "string", default: DEFAULT_LM_SHAPES },
  torch: { type: "string" },
  "torch-device": { type: "string", default: "cpu", choices: ["cpu", "cuda"] },
  rounds: { ...REPEATS, default: 7 },
  dtype: { type: "string", default: "f32", choices: ["f32", "f16", "bf16"] },
  backend: { type: "string", default: "auto", choices: ["auto", "webgpu", "native", "wasm"] },
  gpu: GPU_FLAG,
  workers: WORKERS_FLAG,
  json: { type: "boolean" },
} as const;

/** The shortest turn. Each ends with a wait for its last step, which is no training at all: below 1 % of the turn. */
const SHORTEST_TURN_SECONDS = 0.5;
const MAX_WAIT_SHARE = 0.009;

/** How many times longer a turn may become at once when it was too short. */
const GROWTH = 20;

/** Steps that PyTorch takes before anything is measured. */
const TORCH_WARM_UP_STEPS = 3;

/** One shape's measurement; tokens/s are medians over the turns, all of which are in `turns`. */
interface LmResult {
  readonly shape: string;
  readonly tokensPerSecond: number;
  readonly bestTokensPerSecond: number;
  readonly turns: readonly number[];
  readonly measured: Omit<TrainingMeasurement, "memory">;
  readonly torch?: { readonly about: string; readonly tokensPerSecond: number; readonly turns: readonly number[] };
  /** The median over the turns of tokens/s over PyTorch's in the same turn. */
  readonly ratio?: number;
}

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "bench lm", help: HELP, flags: FLAGS }, args, benchLm);
}

async function benchLm(flags: Flags<typeof FLAGS>): Promise<void> {
  const shapes = namedLmShapes("bench lm", flags.shapes);
  await requireTorch(flags.torch);
  await using backend = await startBackend(flags.backend, {
    workers: flags.workers,
    precision: flags.dtype,
    dawn: flags.gpu,
    tuned: true,
  });
  const machine = describeMachine(backend);
  console.error(formatMachine(machine));
  const limits = await measureLimits(backend);
  const results: LmResult[] = [];
  for (const [name, shape] of shapes) {
    console.error(`training ${name} …`);
    const result = await measureShape(backend, name, shape, limits.peak, flags);
    const reached = { name: `training ${name}`, flops: result.measured.flopsPerSecond, bytes: 0, seconds: 1 };
    for (const line of exceededLimits([reached], limits)) console.error(line);
    results.push(result);
  }
  if (flags.json) return console.log(JSON.stringify({ machine, limits, dtype: flags.dtype, results }, null, 2));
  console.log(`${formatMachine(machine)}\n${formatLimits(limits)}\n\n${formatResults(results)}`);
}

async function measureShape(
  backend: Backend,
  name: string,
  shape: LmShape,
  peak: number,
  flags: Flags<typeof FLAGS>,
): Promise<LmResult> {
  using lm = await createLmTrainer(backend, shape, flags.dtype);
  const { trainer, steps } = lm;
  await using torch = flags.torch === undefined
    ? undefined
    : await TorchTrainer.start(flags.torch, flags["torch-device"], shape);
  const tokensPerStep = shape.batchSize * shape.config.contextLength;
  const count = await stepsPerTurn(
    steps,
    Math.max(SHORTEST_TURN_SECONDS, backend.capabilities.readBackMs / 1000 / MAX_WAIT_SHARE),
  );
  await torch?.steps(Math.min(count, TORCH_WARM_UP_STEPS));
  const turns: number[] = [];
  const torchTurns: number[] = [];
  for (let turn = 0; turn < flags.rounds; turn++) {
    // The first step of a turn finds the other side's data in the caches, and its threads still waiting for work.
    if (torch) await steps(1);
    turns.push(tokensPerStep * count / await steps(count));
    if (!torch) continue;
    await torch.steps(1);
    torchTurns.push(tokensPerStep * count / await torch.steps(count));
  }
  const tokensPerSecond = median(turns);
  const parameters = countParameters(shape.config);
  const { memory: _, ...measured } = measureTraining({
    program: trainer.program,
    parameters,
    tokensPerStep,
    tokensPerSecond,
    peak,
  });
  return {
    shape: name,
    tokensPerSecond,
    bestTokensPerSecond: Math.max(...turns),
    turns,
    measured,
    ...(torch && {
      torch: { about: torch.about, tokensPerSecond: median(torchTurns), turns: torchTurns },
      ratio: median(turns.map((value, i) => value / torchTurns[i])),
    }),
  };
}

/** How many steps take so many seconds at least; they are warm then. */
export async function stepsPerTurn(steps: (count: number) => Promise<number>, shortest: number): Promise<number> {
  await steps(1);
  let count = 1;
  for (let seconds = await steps(count); seconds < shortest; seconds = await steps(count)) {
    count = Math.ceil(count * Math.min(GROWTH, 1.1 * shortest / seconds));
  }
  return count;
}

function formatResults(results: readonly LmResult[]): string {
  const withTorch = results.some((result) => result.torch !== undefined);
  const header = ["shape", "parameters", "tokens/s", "best", "FLOP/s", "of peak"];
  const rows = results.map(({ shape, tokensPerSecond, bestTokensPerSecond, measured, torch, ratio }) => [
    shape,
    formatAmount(measured.parameters),
    formatCount(tokensPerSecond),
    formatCount(bestTokensPerSecond),
    formatSi(measured.flopsPerSecond, "FLOP/s"),
    formatShare(measured.mfu),
    ...(torch ? [formatCount(torch.tokensPerSecond), ratio!.toFixed(2)] : []),
  ]);
  const table = formatTable([...header, ...(withTorch ? ["PyTorch", "ratio"] : [])], rows);
  return withTorch ? `${table}\n\n${results[0].torch!.about}` : table;
}
