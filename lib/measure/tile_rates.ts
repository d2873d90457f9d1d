import { matmulKernels } from "../../kernels/wgsl/linear.ts";
import type { MatmulKernel, MatmulSizes } from "../../kernels/wgsl/matmul_source.ts";
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
const SIZES: MatmulSizes = { M: 12288, N: 3072, K: 512 };

/** Runs that the fastest is taken of, and a time after which one is enough. */
const RUNS = 4;
const LONG_SECONDS = 0.05;

/** Elements of C that are held against sums in float64: the last of its last row. */
const CHECKED = 64;
const TOLERANCE = 1e-4;

/** What the operands hold: zeros would draw less power than numbers do, and so let a GPU run faster. */
const PATTERN = Float32Array.from({ length: 4099 }, (_, i) => Math.sin(i) / 8);

/** What is measured, where it is not the default. */
export interface TileRatesOptions {
  /** Those of TILES by default; the ones that do not fit the device are left out. */
  readonly tiles?: readonly Tile[];
  readonly sizes?: MatmulSizes;
  /** Is told of a tile that computes wrong results on this device. It is left out. */
  readonly onWrong?: (tile: Tile, kernel: string) => void;
}

/**
 * Measures how fast a GPU multiplies matrices with each tile, for `WebGpuBackend.useTiles`. Most of the time goes into
 * compiling: a few seconds in all. Whichever tile is chosen by it, results are the same to the bit, because the order of
 * each sum does not depend on the tile.
 *
 * @returns Rates in FLOP/s; `undefined` where the device keeps no clock. The backend is left with the tiles it had.
 */
export async function measureTileRates(
  backend: WebGpuBackend,
  { tiles = TILES.map(({ tile }) => tile), sizes = sizesFor(backend), onWrong }: TileRatesOptions = {},
): Promise<readonly RatedTile[] | undefined> {
  const before = backend.traits.tiles;
  const fitting = tiles.filter((tile) => matmulKernels.every((kernel) => fits(kernel, tile, backend.traits)));
  const rates = new Map(fitting.map((tile): [Tile, Record<string, number>] => [tile, {}]));
  try {
    for (const [i, kernel] of KERNELS.entries()) {
      using product = new Product(backend, kernel, matmulKernels[i], sizes);
      for (const [tile, rate] of [...rates]) {
        backend.useTiles([{ tile, rates: { [kernel.name]: 1 } }]);
        const seconds = await product.fastestRun();
        if (seconds === undefined) return undefined;
        rate[kernel.name] = 2 * sizes.M * sizes.N * sizes.K / seconds;
        if (await product.isRight()) continue;
        rates.delete(tile);
        onWrong?.(tile, kernel.name);
      }
    }
  } finally {
    backend.useTiles(before);
  }
  return [...rates].map(([tile, rates]) => ({ tile, rates }));
}

/** Fewer rows where an adapter cannot bind all of C. */
function sizesFor({ traits }: WebGpuBackend): MatmulSizes {
  let { M } = SIZES;
  while (4 * M * SIZES.N > traits.maxBindingBytes && M > 768) M /= 2;
  return { ...SIZES, M };
}

/** One product's arrays on a device. */
class Product implements Disposable {
  readonly #backend: WebGpuBackend;
  readonly #matmul: MatmulKernel;
  readonly #sizes: MatmulSizes;
  readonly #views: readonly View[];
  readonly #program: Program;

  constructor(backend: WebGpuBackend, kernel: Kernel, matmul: MatmulKernel, sizes: MatmulSizes) {
    this.#backend = backend;
    this.#matmul = matmul;
    this.#sizes = sizes;
    const { M, N, K } = matmul.sizes;
    const named: Record<string, number> = { [M]: sizes.M, [N]: sizes.N, [K]: sizes.K, accumulate: 0 };
    const elements = kernel.sizes!(named);
    this.#views = [...kernel.inputs, ...kernel.outputs].map((name) => wholeOf(new Storage(name, 4 * elements[name])));
    const calls = [{
      kernel,
      views: this.#views,
      constants: Object.keys(kernel.constants).map((name) => named[name]),
    }];
    this.#program = new Program({ calls, inputs: undefined, scratch: [], placements: new Map() });
  }

  /** Seconds, with the tiles that the backend has. */
  async fastestRun(): Promise<number | undefined> {
    const compiled = await CompiledGraph.load(this.#backend, this.#program);
    for (const view of this.#views.slice(0, 2)) this.#backend.write(view, filled(view.size));
    this.#backend.write(this.#views[2], new Float32Array(this.#views[2].size));
    let fastest = Infinity;
    for (let run = 0; run < RUNS && !(run > 1 && fastest > LONG_SECONDS); run++) {
      const seconds = (await compiled.profile())?.[0];
      if (seconds === undefined) return undefined;
      fastest = Math.min(fastest, seconds);
    }
    return fastest;
  }

  /** Whether the last of C are what they should be. */
  async isRight(): Promise<boolean> {
    const { M, N, K } = this.#sizes;
    const { a, b } = this.#matmul;
    const count = Math.min(CHECKED, N);
    const c = this.#views[2];
    const got = await this.#backend.read({ ...c, size: count, byteOffset: 4 * (M * N - count) });
    const value = (i: number) => PATTERN[i % PATTERN.length];
    return got.every((found, j) => {
      const column = N - count + j;
      let [sum, size] = [0, 0];
      for (let k = 0; k < K; k++) {
        const left = value(a.layout === "rows" ? (M - 1) * K + k : k * M + M - 1);
        const term = left * value(b.layout === "rows" ? column * K + k : k * N + column);
        sum += term;
        size += Math.abs(term);
      }
      return Math.abs(found - sum) <= TOLERANCE * size;
    });
  }

  [Symbol.dispose](): void {
    for (const { storage } of this.#views) this.#backend.release(storage);
  }
}

function filled(size: number): Float32Array {
  const data = new Float32Array(size);
  for (let first = 0; first < size; first += PATTERN.length) data.set(PATTERN.subarray(0, size - first), first);
  return data;
}
