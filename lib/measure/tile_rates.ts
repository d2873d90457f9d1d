import { matmulKernels } from "../../kernels/wgsl/matmul/linear.ts";
import type { MatmulSizes } from "../../kernels/wgsl/matmul/matmul_source.ts";
import { fitsMatrices, MATRIX_TILES } from "../../kernels/wgsl/matmul/matmul_subgroup_call.ts";
import type { MatrixTile, RatedMatrixTile } from "../../kernels/wgsl/matmul/matmul_subgroup_tile.ts";
import { fits, TILES } from "../../kernels/wgsl/matmul/matmul_tile_choice.ts";
import type { RatedTile, Tile } from "../../kernels/wgsl/matmul/matmul_tile.ts";
import type { WebGpuBackend } from "../backend/webgpu.ts";
import type { Kernel } from "../graph/kernel.ts";
import { linearBackwardInput, linearBackwardWeight, linearForward } from "../ops/linear.ts";
import { TimedProduct } from "./timed_product.ts";

const KERNELS: readonly Kernel[] = [linearForward, linearBackwardInput, linearBackwardWeight];

/** Sides of C that every tile divides, so large that the last workgroups to finish hardly count; and steps of K. */
const SIZES: MatmulSizes = { M: 12288, N: 3072, K: 512 };

/** After so long the tiles that were not reached are left out: some drivers compile a kernel for many seconds. */
const MOST_SECONDS = 30;

/** What is measured, where it is not the default. */
export interface TileRatesOptions<T> {
  /** All that there are by default; the ones that do not fit the device are left out. */
  readonly tiles?: readonly T[];
  readonly sizes?: MatmulSizes;
  /** Is told of a tile that computes wrong results on this device. It is left out. */
  readonly onWrong?: (tile: T, kernel: string) => void;
}

/**
 * Measures how fast a GPU multiplies matrices with each tile, for `WebGpuBackend.useTiles`. Most of the time goes into
 * compiling: some seconds in all. Whichever tile is chosen by it, results are the same to the bit, because the order of
 * each sum does not depend on the tile.
 *
 * @returns Rates in FLOP/s; `undefined` where the device keeps no clock. The backend is left with the tiles it had.
 */
export async function measureTileRates(
  backend: WebGpuBackend,
  { tiles = TILES.map(({ tile }) => tile), ...options }: TileRatesOptions<Tile> = {},
): Promise<readonly RatedTile[] | undefined> {
  const before = backend.traits.tiles;
  const fitting = tiles.filter((tile) => matmulKernels.every((kernel) => fits(kernel, tile, backend.traits)));
  try {
    return await rateAll(backend, fitting, "f32", (rated) => backend.useTiles(rated), options);
  } finally {
    backend.useTiles(before);
  }
}

/** The same of products on subgroup matrices, for `WebGpuBackend.useMatrixTiles`. */
export async function measureMatrixTileRates(
  backend: WebGpuBackend,
  { tiles = MATRIX_TILES.map(({ tile }) => tile), ...options }: TileRatesOptions<MatrixTile> = {},
): Promise<readonly RatedMatrixTile[] | undefined> {
  const before = backend.traits.matrixTiles;
  const fitting = tiles.filter((tile) => matmulKernels.every((kernel) => fitsMatrices(kernel, tile, backend.traits)));
  try {
    return await rateAll(backend, fitting, "f16", (rated) => backend.useMatrixTiles(rated), options);
  } finally {
    backend.useMatrixTiles(before);
  }
}

interface Rated<T> {
  readonly tile: T;
  readonly rates: Readonly<Record<string, number>>;
}

/**
 * @param operands What A and B hold.
 * @param use Makes the backend take one tile alone.
 */
async function rateAll<T>(
  backend: WebGpuBackend,
  tiles: readonly T[],
  operands: "f32" | "f16",
  use: (tiles: readonly Rated<T>[]) => void,
  { sizes = sizesFor(backend), onWrong }: Omit<TileRatesOptions<T>, "tiles">,
): Promise<readonly Rated<T>[] | undefined> {
  const rated: Rated<T>[] = [];
  const start = performance.now();
  for (const tile of tiles) {
    const rates: Record<string, number> = {};
    let wrong: string | undefined;
    for (const [i, kernel] of KERNELS.entries()) {
      use([{ tile, rates: { [kernel.name]: 1 } }]);
      using product = new TimedProduct(backend, kernel, matmulKernels[i], sizes, operands);
      const seconds = await product.seconds();
      if (seconds === undefined) return undefined;
      rates[kernel.name] = 2 * sizes.M * sizes.N * sizes.K / seconds;
      if (!await product.isRight()) wrong ??= kernel.name;
    }
    if (wrong === undefined) rated.push({ tile, rates });
    else onWrong?.(tile, wrong);
    if (rated.length > 0 && performance.now() - start > 1000 * MOST_SECONDS) break;
  }
  return rated;
}

/** Fewer rows where an adapter cannot bind all of C. */
function sizesFor({ traits }: WebGpuBackend): MatmulSizes {
  const most = (M: number): number => 4 * M * SIZES.N > traits.maxBindingBytes && M > 768 ? most(M / 2) : M;
  return { ...SIZES, M: most(SIZES.M) };
}
