import { type Constants, type DeviceTraits, type Dispatch, type WgslCall } from "../dispatch.ts";
import { divisibilityOf, type MatmulKernel, sizesOf } from "./matmul_source.ts";
import { productCall, splitOf } from "./matmul_split.ts";
import { subgroupMatmul } from "./matmul_subgroup.ts";
import { type MatrixTile, matrixTileBytes, type RatedMatrixTile } from "./matmul_subgroup_tile.ts";
import type { SubgroupMatrices } from "./subgroup_matrix.ts";

const rated = (tile: MatrixTile, rate: number): RatedMatrixTile => ({
  tile,
  rates: { linear_forward: rate, linear_backward_input: rate, linear_backward_weight: rate },
});

/**
 * Tiles for subgroup matrices. Where a subgroup has 64 x 64 of C, it reads workgroup memory least often. The rates are a
 * guess at their order, until a GPU's own were measured: on an H100 the first did 218 TFLOP/s and the second 47 (4096³, NT,
 * f16 into f32), but each was timed once, and perhaps at another clock.
 */
export const MATRIX_TILES: readonly RatedMatrixTile[] = [
  rated({ m: 128, n: 128, k: 32, across: 2, down: 2, buffers: 1 }, 1),
  rated({ m: 128, n: 128, k: 32, across: 4, down: 2, buffers: 1 }, 0.9),
  rated({ m: 64, n: 64, k: 32, across: 2, down: 2, buffers: 1 }, 0.6),
];

/** Workgroups that keep a large GPU busy: about three for each of its hundred-odd multiprocessors. */
const BUSY_WORKGROUPS = 384;

/** Workgroups that a large GPU has room for and does not have, on average, while the last ones finish. */
const IDLE_WORKGROUPS = 128;

/** K is split no finer than this to get so many, so that a split's own work outweighs the sum over splits. */
const MIN_SPLIT_K = 1024;

/** Parts of K are whole multiples of this, as every tile's depth divides it. */
const SPLIT_DEPTH = 64;

/** Side of the square tile by which it is decided how often K is split. */
const NOMINAL_SIDE = 128;

/** Below so many rows or columns of C, or steps of K, most of a tile would be empty. */
const MIN_SIZE = 32;

/** How a product is computed on subgroup matrices. */
export interface MatrixVariant {
  readonly tile: MatrixTile;
  readonly splits: number;
}

/**
 * Picks the tile and the splits of a product on subgroup matrices.
 * @param halves Which of its arrays hold f16: A is 0, B is 1, C is 2.
 * @returns undefined where the product is for other kernels: it is too small, or its operands are not both f16, whose
 * rounding this would add to it.
 */
export function chooseMatrixVariant(
  kernel: MatmulKernel,
  constants: Constants,
  traits: DeviceTraits,
  halves: ReadonlySet<number>,
): MatrixVariant | undefined {
  const { matrices, matrixTiles } = traits;
  const { M, N, K } = sizesOf(kernel, constants);
  if (matrices === undefined || !halves.has(0) || !halves.has(1) || Math.min(M, N, K) < MIN_SIZE) return undefined;
  const splits = chooseSplits(M, N, K);
  const speed = ({ tile: { m, n }, rates }: RatedMatrixTile): number => {
    const workgroups = Math.ceil(M / m) * Math.ceil(N / n);
    const useful = M * N / (workgroups * m * n);
    const busy = workgroups * splits / (workgroups * splits + IDLE_WORKGROUPS);
    return rates[kernel.ratedAs ?? kernel.name] * useful * busy;
  };
  const fitting = (matrixTiles ?? MATRIX_TILES).filter(({ tile }) => fitsMatrices(kernel, tile, traits));
  if (fitting.length === 0) return undefined;
  return { tile: fitting.reduce((best, next) => speed(next) > speed(best) ? next : best).tile, splits };
}

/** By the sizes alone, so that every tile adds up in the same order. */
function chooseSplits(M: number, N: number, K: number): number {
  const workgroups = Math.ceil(M / NOMINAL_SIDE) * Math.ceil(N / NOMINAL_SIDE);
  return Math.max(1, Math.min(Math.floor(K / MIN_SPLIT_K), Math.ceil(BUSY_WORKGROUPS / workgroups)));
}

/** Whether a device has the workgroup memory and the invocations for a tile. */
export function fitsMatrices(
  kernel: MatmulKernel,
  tile: MatrixTile,
  { matrices, maxWorkgroupBytes, maxInvocations }: DeviceTraits,
): boolean {
  return matrices !== undefined && tile.across * tile.down * matrices.lanes <= maxInvocations &&
    matrixTileBytes(kernel, tile) <= maxWorkgroupBytes;
}

/** The dispatches of one product on subgroup matrices. */
export function subgroupMatmulCall(
  kernel: MatmulKernel,
  constants: Constants,
  { tile, splits }: MatrixVariant,
  matrices: SubgroupMatrices,
  halves: ReadonlySet<number>,
): WgslCall {
  const { M, N, K } = sizesOf(kernel, constants);
  const split = splitOf(K, splits, SPLIT_DEPTH);
  const { parts } = split;
  const source = subgroupMatmul(kernel, tile, matrices, {
    ...divisibilityOf(kernel, { M, N, K }),
    wholeK: K % tile.k === 0,
    splitK: parts > 1,
    aHalf: halves.has(0),
    bHalf: halves.has(1),
    direct: (parts > 1 || !halves.has(2)) && M % tile.m === 0 && N % tile.n === 0,
  });
  const product: Dispatch = {
    label: `${kernel.name} matrices ${matrixTileLabel(tile, matrices)}${parts > 1 ? ` in ${parts} splits` : ""}`,
    source,
    workgroups: Math.ceil(M / tile.m) * Math.ceil(N / tile.n) * parts,
    flops: 2 * M * N * K,
    divisible: true,
  };
  return productCall(kernel, constants, split, product);
}

/** A tile in words. */
export function matrixTileLabel({ m, n, k, across, down, buffers }: MatrixTile, { lanes }: SubgroupMatrices): string {
  return `${m}x${n}x${k} by ${across * down * lanes}${buffers === 2 ? ", two buffers" : ""}`;
}
