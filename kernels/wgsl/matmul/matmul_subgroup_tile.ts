import type { MatmulKernel } from "./matmul_source.ts";
import { stripElements } from "./matmul_subgroup_result.ts";
import { matrixStagedBytes } from "./matmul_subgroup_staging.ts";
import { MATRIX } from "./subgroup_matrix.ts";

/** How a workgroup shares out a tile of C between its subgroups. */
export interface MatrixTile {
  /** Rows and columns of C per workgroup, and the depth of K that is staged at once. */
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Subgroups along the columns and along the rows. */
  readonly across: number;
  readonly down: number;
  /** Tiles of each operand in workgroup memory: with two there is one barrier a step instead of two. */
  readonly buffers: 1 | 2;
}

/** A tile, and how fast a device is with it: as of `RatedTile`. */
export interface RatedMatrixTile {
  readonly tile: MatrixTile;
  /** By the kernel's name. */
  readonly rates: Readonly<Record<string, number>>;
}

/** Bytes of workgroup memory that a tile takes. */
export function matrixTileBytes(kernel: MatmulKernel, tile: MatrixTile): number {
  const { m, n, k, across, down, buffers } = tile;
  return matrixStagedBytes(kernel.a.layout, m, k, buffers) + matrixStagedBytes(kernel.b.layout, n, k, buffers) +
    4 * across * down * stripElements(n / across);
}

/**
 * Subgroups have whole matrices, and invocations read whole vectors of 4, each as many as every other.
 * @throws {RangeError} Naming what does not come out even.
 */
export function requireMatrixTile({ name }: MatmulKernel, tile: MatrixTile, lanes: number): void {
  const { m, n, k, across, down } = tile;
  const workgroup = across * down * lanes;
  const conditions: [isMet: boolean, what: string][] = [
    [[m, n, k, across, down].every((size) => Number.isInteger(size) && size > 0), "positive whole numbers"],
    [k % MATRIX === 0, `k a multiple of ${MATRIX}`],
    [m % (MATRIX * down) === 0, `m a multiple of ${MATRIX} · down`],
    [n % (MATRIX * across) === 0, `n a multiple of ${MATRIX} · across`],
    [m * k % (4 * workgroup) === 0, `m · k a multiple of 4 · ${workgroup} invocations`],
    [n * k % (4 * workgroup) === 0, `n · k a multiple of 4 · ${workgroup} invocations`],
  ];
  const missed = conditions.find(([isMet]) => !isMet);
  if (missed === undefined) return;
  throw new RangeError(
    `Cannot tile ${name} by ${m} x ${n} x ${k} with ${across} subgroups across and ${down} down: must have ${
      missed[1]
    }`,
  );
}
