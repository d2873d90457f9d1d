/**
 * Measures matrix products: the three of a linear layer.
 *
 *   deno task bench matmul --sizes 512,1024x512x1344
 */
import { formatTable } from "../../lib/accounting/table.ts";
import { formatShare, formatSi } from "../../lib/accounting/units.ts";
import type { Kernel } from "../../lib/graph/kernel.ts";
import { linearBackwardInput, linearBackwardWeight, linearForward } from "../../lib/ops/linear.ts";
import { GPU_FLAG, startBackend } from "../cli/backend.ts";
import { UsageError } from "../cli/errors.ts";
import type { Flags } from "../cli/flags.ts";
import { runProgram } from "../cli/program.ts";
import { runTask } from "../cli/run.ts";
import { WORKERS_FLAG } from "../cli/measuring_flags.ts";
import { type KernelResult, measureKernel, warnOfExceededLimits } from "./kernel_result.ts";
import { kernelCase } from "../../lib/measure/kernel_case.ts";
import { measureLimits } from "../../lib/measure/limits.ts";
import { formatLimits } from "./format_limits.ts";
import { LM_SHAPES } from "./lm_shapes.ts";
import { describeMachine, formatMachine } from "./machine.ts";
import { shown } from "../cli/shown.ts";

const SQUARES = [64, 128, 256, 512, 1024, 2048, 4096];
/** Multiples of no tile. */
const ODD = [31, 257, 1021];
/** What a layer multiplies to generate so many texts at once. */
const SKINNY_ROWS = [1, 2, 4, 8, 16];
const MODELS = ["small", "medium", "large"];

const HELP = `
Measures the three matrix products of a linear layer with rows of I inputs and O outputs: the forward pass x·Wᵀ (NT), and
the gradients of its input dY·W (NN) and of its weights dYᵀ·x (TN).

  deno task bench matmul --sizes 512,1024x512x1344

  --sizes SIZE,SIZE  N, or ROWSxIxO (default: squares ${SQUARES[0]} to ${SQUARES.at(-1)}, odd sizes, the products of the
                     models of bench lm, and ${SKINNY_ROWS[0]} to ${SKINNY_ROWS.at(-1)} rows, as in generation)
  --dtype NAME       f32, or f16 on a GPU with shader-f16: all but the gradient of the weights (default: f32)
  --backend NAME     auto, webgpu, native or wasm (default: auto)
  --gpu WHAT         dawn, or the path of its add-on: a WebGPU that uses an NVIDIA GPU's matrix units in f16; needs
                     deno run -A (default: Deno's own)
  --workers N        Workers of wasm or native (default: one for each core)
  --json             All numbers instead of a table.

Each share is of the roofline: of the measured peak or, if reading and writing the matrices once takes longer, of the
measured bandwidth. Matrices that stay in caches may exceed it.
`;

const FLAGS = {
  sizes: { type: "string" },
  dtype: { type: "string", default: "f32", choices: ["f32", "f16"] },
  backend: { type: "string", default: "auto", choices: ["auto", "webgpu", "native", "wasm"] },
  gpu: GPU_FLAG,
  workers: WORKERS_FLAG,
  json: { type: "boolean" },
} as const;

/** Rows, inputs, outputs. */
type Sizes = readonly [rows: number, I: number, O: number];

const PRODUCTS: readonly { readonly layout: string; readonly kernel: Kernel }[] = [
  { layout: "NT", kernel: linearForward },
  { layout: "NN", kernel: linearBackwardInput },
  { layout: "TN", kernel: linearBackwardWeight },
];

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "bench matmul", help: HELP, flags: FLAGS }, args, benchMatmul);
}

async function benchMatmul(flags: Flags<typeof FLAGS>): Promise<void> {
  const all = flags.sizes === undefined ? defaultSizes() : flags.sizes.split(",").map(parseSizes);
  await using backend = await startBackend(flags.backend, {
    workers: flags.workers,
    precision: flags.dtype,
    dawn: flags.gpu,
    tuned: true,
  });
  const machine = describeMachine(backend);
  console.error(formatMachine(machine));
  const limits = await measureLimits(backend);
  const results: { sizes: Sizes; products: KernelResult[] }[] = [];
  for (const sizes of all) {
    console.error(`multiplying ${sizes.join("×")} …`);
    const [rows, I, O] = sizes;
    const products: KernelResult[] = [];
    for (const { kernel } of PRODUCTS) {
      const call = kernelCase(kernel, { rows, I, O, accumulate: 0 }, flags.dtype);
      products.push(await measureKernel(backend, limits, call));
    }
    results.push({ sizes, products });
  }
  warnOfExceededLimits(results.flatMap(({ products }) => products), limits);
  if (flags.json) return console.log(JSON.stringify({ machine, limits, dtype: flags.dtype, results }, null, 2));
  const header = ["rows × I × O", ...PRODUCTS.flatMap(({ layout }) => [`${layout} FLOP/s`, "share"])];
  const rows = results.map(({ sizes, products }) => [
    sizes.join(" × "),
    ...products.flatMap(({ flopsPerSecond, share }) => [formatSi(flopsPerSecond, "FLOP/s"), formatShare(share)]),
  ]);
  console.log(`${formatMachine(machine)}\n${formatLimits(limits)}\n\n${formatTable(header, rows)}`);
}

function defaultSizes(): Sizes[] {
  const squares = [...SQUARES, ...ODD].map((n): Sizes => [n, n, n]);
  const products = MODELS.flatMap((name): Sizes[] => {
    const { config: { contextLength, dModel, dFf, vocabSize }, batchSize } = LM_SHAPES[name];
    const rows = contextLength * batchSize;
    return [[rows, dModel, dModel], [rows, dModel, dFf], [rows, dFf, dModel], [rows, dModel, vocabSize]];
  });
  const { dModel, dFf } = LM_SHAPES.large.config;
  return [...squares, ...products, ...SKINNY_ROWS.map((rows): Sizes => [rows, dModel, dFf])];
}

function parseSizes(text: string): Sizes {
  const numbers = text.split("x").map(Number);
  if (numbers.every((n) => Number.isSafeInteger(n) && n > 0)) {
    if (numbers.length === 1) return [numbers[0], numbers[0], numbers[0]];
    if (numbers.length === 3) return [numbers[0], numbers[1], numbers[2]];
  }
  throw new UsageError(
    `Cannot run bench matmul: got size ${shown(text)}, must be N or ROWSxIxO. See: deno task bench matmul --help`,
  );
}

if (import.meta.main) await runProgram(main);
