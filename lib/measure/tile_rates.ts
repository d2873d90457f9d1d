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

/** Sides of C that every tile divides, so large that the last workgroups to finish hardly matter; and the size of K. */
const SIZES: MatmulSizes = { M: 12288, N: 3072, K: 512 };

/** After this long, the remaining tiles are skipped: some drivers take many seconds to compile a kernel. */
const MOST_SECONDS = 30;

/** Options for measuring tiles. */
export interface TileRatesOptions<T> {
  /** The tiles to measure; by default all. Tiles that do not fit the device are left out. */
  readonly tiles?: readonly T[];
  readonly sizes?: MatmulSizes;
  /** Called with a tile that computes wrong results on this device, and so is left out. */
  readonly onWrong?: (tile: T, kernel: string) => void;
}

/**
 * Measures how fast a GPU multiplies matrices with each tile, for `WebGpuBackend.useTiles`. It takes some seconds,
 * mostly
 * for compiling. The results have the same bits whichever tile is chosen, because the order of each sum does not depend
 * on
 * the tile.
 *
 * @returns Rates in FLOP/s; `undefined` if the device has no clock. The backend keeps the tiles that it had.
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

/** The same for products on subgroup matrices, for `WebGpuBackend.useMatrixTiles`. */
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
 * @param operands The type of A and B.
 * @param use Makes the backend use only one tile.
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

/** Fewer rows if an adapter cannot bind all of C. */
function sizesFor({ traits }: WebGpuBackend): MatmulSizes {
  const most = (M: number): number => 4 * M * SIZES.N > traits.maxBindingBytes && M > 768 ? most(M / 2) : M;
  return { ...SIZES, M: most(SIZES.M) };
}
