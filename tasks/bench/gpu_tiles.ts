/**
 * Measures the ways in which a GPU can multiply matrices, for the table in kernels/wgsl/linear.ts.
 *
 *   deno task bench gpu-tiles --shapes large-128,gpt2-small
 */
import type { WgslKernel } from "../../kernels/wgsl/dispatch.ts";
import { chooseVariant, matmulCall, matmulKernels, type Variant, variantLabel } from "../../kernels/wgsl/linear.ts";
import type { MatmulKernel } from "../../kernels/wgsl/matmul_source.ts";
import type { Tile } from "../../kernels/wgsl/matmul_tile.ts";
import { formatTable } from "../../lib/accounting/table.ts";
import { formatShare, formatSi } from "../../lib/accounting/units.ts";
import type { Backend } from "../../lib/backend/backend.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { createWebGpuBackend, type WebGpuBackend } from "../../lib/backend/webgpu.ts";
import type { Kernel } from "../../lib/graph/kernel.ts";
import { Program, wholeOf } from "../../lib/graph/program.ts";
import { Storage, type View } from "../../lib/graph/tensor.ts";
import { linearBackwardInput, linearBackwardWeight, linearForward } from "../../lib/ops/linear.ts";
import { selfTest } from "../../lib/train/self_test.ts";
import { probeAt } from "../../lib/train/self_test_probes.ts";
import { quietVulkanLoader } from "../cli/backend.ts";
import { UserError } from "../cli/errors.ts";
import type { Flags } from "../cli/flags.ts";
import { runTask } from "../cli/run.ts";
import { REPEATS } from "../cli/measuring_flags.ts";
import { measureLimits } from "../../lib/measure/limits.ts";
import { formatLimits } from "./format_limits.ts";
import { LM_SHAPES_HELP, type LmShape, namedLmShapes } from "./lm_shapes.ts";
import { describeMachine, formatMachine } from "./machine.ts";

const HELP = `
Measures the ways in which a GPU can multiply matrices: for each product of a model's training step every tile size and
number of splits, the fastest of them, and the one that kernels/wgsl/linear.ts would choose.

  deno task bench gpu-tiles [options]

  --shapes NAME,NAME  Models (default: large-128,gpt2-small)
  --max-rows N        Tokens in a batch at most (default: 8192)
  --runs N            Runs that the best time is taken of (default: 5)
  --all               Every variant in the table, not only the fastest and the chosen one.
  --json              All numbers instead of a table.

Shapes
${LM_SHAPES_HELP}
`;

const FLAGS = {
  shapes: { type: "string", default: "large-128,gpt2-small" },
  "max-rows": { type: "integer", default: 8192, min: 1 },
  runs: { ...REPEATS, default: 5 },
  all: { type: "boolean" },
  json: { type: "boolean" },
} as const;

/** Tiles worth a try: those of the table, deeper ones, oblong ones, and ones with more invocations for the same tile. */
const CANDIDATES: readonly Tile[] = [
  { m: 128, n: 128, k: 8, across: 16, down: 16 },
  { m: 128, n: 128, k: 16, across: 16, down: 16 },
  { m: 128, n: 64, k: 8, across: 8, down: 16 },
  { m: 128, n: 64, k: 16, across: 8, down: 16 },
  { m: 64, n: 128, k: 8, across: 16, down: 8 },
  { m: 64, n: 64, k: 8, across: 8, down: 8 },
  { m: 64, n: 64, k: 16, across: 8, down: 8 },
  { m: 64, n: 64, k: 16, across: 16, down: 16 },
  { m: 32, n: 64, k: 16, across: 8, down: 8 },
  { m: 32, n: 32, k: 16, across: 8, down: 8 },
];

/** Numbers of parts that K is split into, as long as a part has at least so many steps. */
const SPLITS = [1, 2, 4, 8, 16];
const MIN_SPLIT_K = 256;

/** Sizes at which each variant is first held against the CPU: parts of a tile, and several. */
const CHECKED_SIZES = { rows: 67, I: 132, O: 260 };

const KERNELS: readonly Kernel[] = [linearForward, linearBackwardInput, linearBackwardWeight];

/** One variant's time for one product. */
interface TileResult {
  readonly kernel: string;
  readonly rows: number;
  readonly I: number;
  readonly O: number;
  readonly variant: string;
  readonly flopsPerSecond: number;
  /** What the table takes for these sizes. */
  readonly isChosen: boolean;
}

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
  await using plain = await createWebGpuBackend();
  await using backend = await createWebGpuBackend({ kernels });
  await using oracle = await createWasmBackend();
  const machine = describeMachine(backend);
  console.error(formatMachine(machine));
  const limits = await measureLimits(plain);

  const wrong = new Set<Tile>();
  for (const tile of CANDIDATES) {
    variant = { kind: "tiled", tile, splits: 1 };
    const faults = await selfTest(backend, oracle, { probes: KERNELS.map((kernel) => probeAt(kernel, CHECKED_SIZES)) });
    if (faults.length === 0) continue;
    wrong.add(tile);
    console.error(`WARNING: ${variantLabel(variant)} is left out: ${faults[0].kernel}, ${faults[0].detail}`);
  }
  const results: TileResult[] = [];
  for (const [rows, I, O] of products(shapes.map(([, shape]) => shape), flags["max-rows"])) {
    for (const [i, kernel] of KERNELS.entries()) {
      console.error(`${kernel.name}, ${rows} rows, ${I} to ${O} …`);
      const views = await makeArrays(backend, [rows, I, O], kernel);
      const chosen = chosenVariant(backend, matmulKernels[i], { rows, I, O });
      for (const tried of variantsOf(matmulKernels[i], { rows, I, O }, chosen, wrong)) {
        variant = tried;
        const seconds = await bestTime(backend, kernel, views, [rows, I, O], flags.runs);
        results.push({
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
    }
  }
  if (flags.json) return console.log(JSON.stringify({ machine, limits, results }, null, 2));
  console.log(
    `${formatMachine(machine)}\n${formatLimits(limits)}\n\n${formatResults(results, limits.peak, flags.all)}`,
  );
}

/** The different linear maps of the models: rows, input and output features. */
function products(shapes: readonly LmShape[], maxRows: number): (readonly [number, number, number])[] {
  const all = shapes.flatMap(({ config: { vocabSize, contextLength, dModel, dFf }, batchSize }) => {
    const rows = Math.min(maxRows, batchSize * contextLength);
    return [[rows, dModel, dModel], [rows, dModel, dFf], [rows, dFf, dModel], [rows, dModel, vocabSize]] as const;
  });
  return [...new Map(all.map((sizes) => [sizes.join(), sizes])).values()];
}

/** The kernel's arrays, inputs first, in the order of its signature. */
async function makeArrays(backend: Backend, [rows, I, O]: readonly number[], kernel: Kernel): Promise<View[]> {
  const sizes = kernel.sizes!({ rows, I, O });
  const names = [...kernel.inputs, ...kernel.outputs];
  const views = names.map((name) => wholeOf(new Storage(name, 4 * sizes[name])));
  const constants = [rows, I, O, ...Object.keys(kernel.constants).slice(3).map(() => 0)];
  await backend.load(
    new Program({ calls: [{ kernel, views, constants }], inputs: undefined, scratch: [], placements: new Map() }),
  );
  const pattern = Float32Array.from({ length: 4099 }, (_, i) => Math.sin(i) / 8);
  for (const view of views.slice(0, kernel.inputs.length)) {
    const data = new Float32Array(view.size);
    for (let first = 0; first < data.length; first += pattern.length) {
      data.set(pattern.subarray(0, data.length - first), first);
    }
    backend.write(view, data);
  }
  return views;
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
  wrong: ReadonlySet<Tile>,
): Variant[] {
  const { K } = sizesOf(kernel, constants);
  const splits = SPLITS.filter((count) => count === 1 || K / count >= MIN_SPLIT_K);
  const all = CANDIDATES.filter((tile) => !wrong.has(tile)).flatMap((tile) =>
    splits.map((count): Variant => ({ kind: "tiled", tile, splits: count }))
  );
  const label = variantLabel(chosen);
  return [chosen, ...all.filter((variant) => variantLabel(variant) !== label)];
}

async function bestTime(
  backend: Backend,
  kernel: Kernel,
  views: readonly View[],
  sizes: readonly number[],
  runs: number,
): Promise<number> {
  const constants = [...sizes, ...Object.keys(kernel.constants).slice(3).map(() => 0)];
  const program = new Program({
    calls: [{ kernel, views, constants }],
    inputs: undefined,
    scratch: [],
    placements: new Map(),
  });
  const executable = await backend.load(program);
  if (!executable.profile) {
    throw new UserError("Cannot time kernels: got an adapter without timestamp-query, must have it");
  }
  let best = Infinity;
  for (let run = 0; run <= runs; run++) best = Math.min(best, (await executable.profile())[0]);
  return best;
}

function formatResults(results: readonly TileResult[], peak: number, all: boolean): string {
  const groups = Map.groupBy(results, ({ kernel, rows, I, O }) => `${kernel} rows=${rows} I=${I} O=${O}`);
  const rows = [...groups].flatMap(([product, variants]) => {
    const sorted = variants.toSorted((a, b) => b.flopsPerSecond - a.flopsPerSecond);
    return sorted.filter((result, i) => all || i === 0 || result.isChosen).map((result, i) => [
      i === 0 ? product : "",
      result.variant + (result.isChosen ? " (chosen)" : ""),
      formatSi(result.flopsPerSecond, "FLOP/s"),
      formatShare(result.flopsPerSecond / peak),
    ]);
  });
  return formatTable(["product", "variant", "FLOP/s", "of peak"], rows, [1]);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
