/**
 * Measures the ways in which a GPU can multiply matrices, for the tables in kernels/wgsl/matmul/matmul_tile_choice.ts.
 *
 *   deno task bench gpu-tiles --shapes large-128,gpt2-162m
 */
import type { WgslKernel } from "../../kernels/wgsl/dispatch.ts";
import {
  chooseVariant,
  matmulCall,
  matmulKernels,
  type Variant,
  variantLabel,
} from "../../kernels/wgsl/matmul/linear.ts";
import type { MatmulKernel } from "../../kernels/wgsl/matmul/matmul_source.ts";
import type { Tile } from "../../kernels/wgsl/matmul/matmul_tile.ts";
import { fits, TILES } from "../../kernels/wgsl/matmul/matmul_tile_choice.ts";
import { exceededLimits } from "../../lib/accounting/limits_exceeded.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { createWebGpuBackend, type WebGpuBackend } from "../../lib/backend/webgpu.ts";
import type { Kernel } from "../../lib/graph/kernel.ts";
import { linearBackwardInput, linearBackwardWeight, linearForward } from "../../lib/ops/linear.ts";
import { selfTest } from "../../lib/self_test/self_test.ts";
import { probeAt } from "../../lib/self_test/self_test_probes.ts";
import { quietVulkanLoader } from "../cli/backend.ts";
import type { Flags } from "../cli/flags.ts";
import { runProgram } from "../cli/program.ts";
import { runTask } from "../cli/run.ts";
import { REPEATS } from "../cli/measuring_flags.ts";
import { chooseTiles } from "../cli/tiles.ts";
import { measureLimits } from "../../lib/measure/limits.ts";
import { formatLimits } from "./format_limits.ts";
import { LM_SHAPES_HELP, type LmShape, namedLmShapes } from "./lm_shapes.ts";
import { describeMachine, formatMachine } from "./machine.ts";
import { formatProduct, formatResults, type TileResult } from "./tile_results.ts";
import { bestTime, makeArrays, type ProductSizes } from "./tile_time.ts";

const HELP = `
Measures the ways in which a GPU can multiply matrices: for each product of a model's training step, every tile size and
number of splits, the fastest of them, and the one that kernels/wgsl/matmul/linear.ts would choose.

  deno task bench gpu-tiles --shapes large-128,gpt2-small

  --shapes NAME,NAME  Models (default: large-128,gpt2-162m)
  --max-rows N        The most tokens in a batch (default: 8192)
  --runs N            Runs to take the best time of (default: 3)
  --software          Measure a software adapter too, a CPU that poses as a GPU.
  --all               Every variant in the table, not only the fastest and the chosen one.
  --json              All numbers instead of a table.

Shapes
${LM_SHAPES_HELP}
`;

const FLAGS = {
  shapes: { type: "string", default: "large-128,gpt2-162m" },
  "max-rows": { type: "integer", default: 8192, min: 1 },
  runs: { ...REPEATS, default: 3 },
  software: { type: "boolean" },
  all: { type: "boolean" },
  json: { type: "boolean" },
} as const;

/** Tiles worth a try: those that are chosen among, and others whose shape or number of invocations differs. */
const CANDIDATES: readonly Tile[] = [
  ...TILES.map(({ tile }) => tile),
  { m: 128, n: 64, k: 8, across: 8, down: 16 },
  { m: 128, n: 64, k: 16, across: 8, down: 16 },
  { m: 64, n: 128, k: 8, across: 16, down: 8 },
  { m: 64, n: 64, k: 16, across: 16, down: 16 },
  { m: 32, n: 64, k: 16, across: 8, down: 8 },
];

/**
 * Numbers of parts that K is split into, as long as a part has at least so many steps, and there are at most so many
 * workgroups: more fill any GPU without splitting.
 */
const SPLITS = [1, 2, 4, 8, 16];
const MIN_SPLIT_K = 256;
const MOST_WORKGROUPS = 1024;

/** Sizes at which each variant is first held against the CPU: parts of a tile, and several. */
const CHECKED_SIZES = { rows: 67, I: 132, O: 260 };

const KERNELS: readonly Kernel[] = [linearForward, linearBackwardInput, linearBackwardWeight];

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "bench gpu-tiles", help: HELP, flags: FLAGS }, args, benchGpuTiles);
}

async function benchGpuTiles(flags: Flags<typeof FLAGS>): Promise<void> {
  const shapes = namedLmShapes("bench gpu-tiles", flags.shapes);
  quietVulkanLoader();
  // What is measured changes from load to load.
  let variant: Variant = { kind: "skinny" };
  const kernels = new Map(matmulKernels.map((kernel): [string, WgslKernel] => [
    kernel.name,
    (constants) => matmulCall(kernel, constants, variant),
  ]));
  await using plain = await createWebGpuBackend({ allowSoftware: flags.software });
  await chooseTiles(plain);
  await using backend = await createWebGpuBackend({ kernels });
  await using oracle = await createWasmBackend();
  const machine = describeMachine(backend);
  console.error(formatMachine(machine));
  const limits = await measureLimits(plain);

  const candidates = new Set(
    CANDIDATES.filter((tile) => matmulKernels.every((kernel) => fits(kernel, tile, plain.traits))),
  );
  for (const tile of candidates) {
    variant = { kind: "tiled", tile, splits: 1 };
    const faults = await selfTest(backend, oracle, { probes: KERNELS.map((kernel) => probeAt(kernel, CHECKED_SIZES)) });
    if (faults.length === 0) continue;
    candidates.delete(tile);
    console.error(`WARNING: ${variantLabel(variant)} is left out: ${faults[0].kernel}, ${faults[0].detail}`);
  }
  const results: TileResult[] = [];
  for (const [rows, I, O] of products(shapes.map(([, shape]) => shape), flags["max-rows"])) {
    for (const [i, kernel] of KERNELS.entries()) {
      console.error(`${kernel.name}, ${rows} rows, ${I} to ${O} …`);
      const views = await makeArrays(backend, kernel, [rows, I, O]);
      const chosen = chosenVariant(plain, matmulKernels[i], { rows, I, O });
      const variants: TileResult[] = [];
      let best = Infinity;
      for (const tried of variantsOf(matmulKernels[i], { rows, I, O }, chosen, candidates)) {
        variant = tried;
        const seconds = await bestTime(backend, kernel, views, [rows, I, O], { runs: flags.runs, best });
        best = Math.min(best, seconds);
        variants.push({
          kernel: kernel.name,
          rows,
          I,
          O,
          variant: variantLabel(tried),
          flopsPerSecond: 2 * rows * I * O / seconds,
          isChosen: tried === chosen,
        });
      }
      for (const { storage } of views) backend.release(storage);
      console.error(formatProduct(variants));
      results.push(...variants);
    }
  }
  const timed = results.map(({ kernel, rows, I, O, flopsPerSecond }) => {
    return { name: kernel, flops: 2 * rows * I * O, bytes: 0, seconds: 2 * rows * I * O / flopsPerSecond };
  });
  for (const line of exceededLimits(timed, limits)) console.error(line);
  if (flags.json) return console.log(JSON.stringify({ machine, limits, results }, null, 2));
  console.log(
    `${formatMachine(machine)}\n${formatLimits(limits)}\n\n${formatResults(results, limits, flags.all)}`,
  );
}

/** The different linear maps of the models: rows, input and output features. */
function products(shapes: readonly LmShape[], maxRows: number): ProductSizes[] {
  const all = shapes.flatMap(({ config: { vocabSize, contextLength, dModel, dFf }, batchSize }) => {
    const rows = Math.min(maxRows, batchSize * contextLength);
    return [[rows, dModel, dModel], [rows, dModel, dFf], [rows, dFf, dModel], [rows, dModel, vocabSize]] as const;
  });
  return [...new Map(all.map((sizes) => [sizes.join(), sizes])).values()];
}

function sizesOf(kernel: MatmulKernel, constants: Readonly<Record<string, number>>) {
  const { M, N, K } = kernel.sizes;
  return { M: constants[M], N: constants[N], K: constants[K] };
}

function chosenVariant(
  backend: WebGpuBackend,
  kernel: MatmulKernel,
  constants: Readonly<Record<string, number>>,
): Variant {
  return chooseVariant(sizesOf(kernel, constants), kernel, { ...backend.traits, software: false });
}

/** The chosen variant, and every other. */
function variantsOf(
  kernel: MatmulKernel,
  constants: Readonly<Record<string, number>>,
  chosen: Variant,
  candidates: ReadonlySet<Tile>,
): Variant[] {
  const { M, N, K } = sizesOf(kernel, constants);
  const isWorthATry = ({ m, n }: Tile, count: number) =>
    count === 1 || K / count >= MIN_SPLIT_K && Math.ceil(M / m) * Math.ceil(N / n) * count <= MOST_WORKGROUPS;
  const all = [...candidates].flatMap((tile) =>
    SPLITS.filter((count) => isWorthATry(tile, count)).map((count): Variant => ({ kind: "tiled", tile, splits: count }))
  );
  const label = variantLabel(chosen);
  return [chosen, ...all.filter((variant) => variantLabel(variant) !== label)];
}

if (import.meta.main) await runProgram(main);
