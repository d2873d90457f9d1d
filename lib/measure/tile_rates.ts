import { matmulKernels } from "../../kernels/wgsl/linear.ts";
import { fits, TILES } from "../../kernels/wgsl/matmul_tile_choice.ts";
import type { RatedTile, Tile } from "../../kernels/wgsl/matmul_tile.ts";
import type { WebGpuBackend } from "../backend/webgpu.ts";
import { CompiledGraph } from "../graph/compiled_graph.ts";
import type { Kernel } from "../graph/kernel.ts";
import { Program, wholeOf } from "../graph/program.ts";
import { Storage, type View } from "../graph/tensor.ts";
import { linearBackwardInput, linearBackwardWeight, linearForward } from "../ops/linear.ts";

const KERNELS: readonly Kernel[] = [linearForward, linearBackwardInput, linearBackwardWeight];

/** Sides of C that every tile divides, so large that the last workgroups to finish hardly count; and steps of K. */
const SIZES = { M: 12288, N: 3072, K: 512 };

/** What the operands hold: zeros would draw less power than numbers do, and so let a GPU run faster. */
const PATTERN = Float32Array.from({ length: 4099 }, (_, i) => Math.sin(i) / 8);

/** Runs that the fastest is taken of, and a time after which one is enough. */
const RUNS = 4;
const LONG_SECONDS = 0.05;

/**
 * Measures how fast a GPU multiplies matrices with each tile, for `WebGpuBackend.useTiles`. Most of the time goes into
 * compiling: a few seconds in all. Whichever tile is chosen by it, results are the same to the bit, because the order of
 * each sum does not depend on the tile.
 *
 * @param tiles Those to try; the ones that do not fit the device are left out.
 * @returns Rates in FLOP/s; `undefined` where the device keeps no clock. The backend is left with the tiles it had.
 */
export async function measureTileRates(
  backend: WebGpuBackend,
  tiles: readonly Tile[] = TILES.map(({ tile }) => tile),
  { M, N, K } = sizesFor(backend),
): Promise<readonly RatedTile[] | undefined> {
  const before = backend.traits.tiles;
  const fitting = tiles.filter((tile) => matmulKernels.every((kernel) => fits(kernel, tile, backend.traits)));
  const rates = fitting.map((): Record<string, number> => ({}));
  try {
    for (const [i, kernel] of KERNELS.entries()) {
      const { sizes } = matmulKernels[i];
      const constants: Record<string, number> = { [sizes.M]: M, [sizes.N]: N, [sizes.K]: K, accumulate: 0 };
      const elements = kernel.sizes!(constants);
      const views = [...kernel.inputs, ...kernel.outputs].map((name) => wholeOf(new Storage(name, 4 * elements[name])));
      try {
        for (const [t, tile] of fitting.entries()) {
          backend.useTiles([{ tile, rates: { [kernel.name]: 1 } }]);
          const seconds = await fastestRun(backend, kernel, views, constants);
          if (seconds === undefined) return undefined;
          rates[t][kernel.name] = 2 * M * N * K / seconds;
        }
      } finally {
        for (const { storage } of views) backend.release(storage);
      }
    }
  } finally {
    backend.useTiles(before);
  }
  return fitting.map((tile, t) => ({ tile, rates: rates[t] }));
}

/** Fewer rows where an adapter cannot bind all of C. */
function sizesFor({ traits }: WebGpuBackend): typeof SIZES {
  let { M } = SIZES;
  while (4 * M * SIZES.N > traits.maxBindingBytes && M > 768) M /= 2;
  return { ...SIZES, M };
}

async function fastestRun(
  backend: WebGpuBackend,
  kernel: Kernel,
  views: readonly View[],
  named: Readonly<Record<string, number>>,
): Promise<number | undefined> {
  const constants = Object.keys(kernel.constants).map((name) => named[name]);
  const calls = [{ kernel, views, constants }];
  const compiled = await CompiledGraph.load(
    backend,
    new Program({ calls, inputs: undefined, scratch: [], placements: new Map() }),
  );
  for (const view of views.slice(0, kernel.inputs.length)) backend.write(view, filled(view.size));
  let fastest = Infinity;
  for (let run = 0; run < RUNS && !(run > 1 && fastest > LONG_SECONDS); run++) {
    const seconds = (await compiled.profile())?.[0];
    if (seconds === undefined) return undefined;
    fastest = Math.min(fastest, seconds);
  }
  return fastest;
}

function filled(size: number): Float32Array {
  const data = new Float32Array(size);
  for (let first = 0; first < size; first += PATTERN.length) data.set(PATTERN.subarray(0, size - first), first);
  return data;
}
