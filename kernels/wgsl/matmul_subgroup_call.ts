import { type Constants, type DeviceTraits, type Dispatch, type WgslCall, WORKGROUP } from "./dispatch.ts";
import type { MatmulKernel } from "./matmul_source.ts";
import { subgroupMatmul } from "./matmul_subgroup.ts";
import { type MatrixTile, matrixTileBytes } from "./matmul_subgroup_tile.ts";
import type { SubgroupMatrices } from "./subgroup_matrix.ts";
import sumPartials from "./sum_partials.wgsl" with { type: "text" };

/** Tiles for subgroup matrices, the largest first: it reads memory least often. */
export const MATRIX_TILES: readonly MatrixTile[] = [
  { m: 128, n: 128, k: 32, across: 4, down: 2, buffers: 1 },
  { m: 64, n: 64, k: 32, across: 2, down: 2, buffers: 1 },
];

/** Workgroups that keep a large GPU busy: about two for each of its hundred-odd multiprocessors. */
const BUSY_WORKGROUPS = 256;

/** K is split no finer than this to get so many, so that a split's own work outweighs the sum over splits. */
const MIN_SPLIT_K = 512;

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
  { matrices, maxWorkgroupBytes, maxInvocations }: DeviceTraits,
  halves: ReadonlySet<number>,
): MatrixVariant | undefined {
  const [M, N, K] = sizesOf(kernel, constants);
  if (matrices === undefined || !halves.has(0) || !halves.has(1) || Math.min(M, N, K) < MIN_SIZE) return undefined;
  const fitting = MATRIX_TILES.filter((tile) =>
    tile.across * tile.down * matrices.lanes <= maxInvocations && matrixTileBytes(kernel, tile) <= maxWorkgroupBytes
  );
  const workgroups = ({ m, n }: MatrixTile) => Math.ceil(M / m) * Math.ceil(N / n);
  const maxSplits = Math.max(1, Math.floor(K / MIN_SPLIT_K));
  const tile = fitting.find((tile) => workgroups(tile) * maxSplits >= BUSY_WORKGROUPS) ?? fitting.at(-1);
  return tile && { tile, splits: Math.min(maxSplits, Math.ceil(BUSY_WORKGROUPS / workgroups(tile))) };
}

/** The dispatches of one product on subgroup matrices. */
export function subgroupMatmulCall(
  kernel: MatmulKernel,
  constants: Constants,
  { tile, splits }: MatrixVariant,
  matrices: SubgroupMatrices,
  halves: ReadonlySet<number>,
): WgslCall {
  const [M, N, K] = sizesOf(kernel, constants);
  const splitK = Math.ceil(K / splits / tile.k) * tile.k;
  const parts = Math.ceil(K / splitK);
  const source = subgroupMatmul(kernel, tile, matrices, {
    aVec4: (kernel.a.layout === "rows" ? K : M) % 4 === 0,
    bVec4: (kernel.b.layout === "rows" ? K : N) % 4 === 0,
    cVec4: N % 4 === 0,
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
  if (parts === 1) return { dispatches: [product] };
  return {
    scratchBytes: 4 * M * N * parts,
    dispatches: [{
      ...product,
      writes: ["scratch"],
      params: [...kernel.constants.map((name) => constants[name]), splitK],
    }, {
      label: `${kernel.name} sum of ${parts} splits`,
      source: sumPartials,
      workgroups: Math.ceil(M * N / WORKGROUP),
      reads: ["scratch"],
      params: [parts, M * N, constants.accumulate ?? 0],
    }],
  };
}

/** A tile in words. */
function matrixTileLabel({ m, n, k, across, down, buffers }: MatrixTile, { lanes }: SubgroupMatrices): string {
  return `${m}x${n}x${k} by ${across * down * lanes}${buffers === 2 ? ", two buffers" : ""}`;
}

function sizesOf({ sizes }: MatmulKernel, constants: Constants): [M: number, N: number, K: number] {
  return [constants[sizes.M], constants[sizes.N], constants[sizes.K]];
}
