import type { MatmulKernel } from "./matmul_source.ts";
import { stagedBytes } from "./matmul_staging.ts";

/** How a workgroup shares out a tile of C. */
export interface Tile {
  /** Rows and columns of C per workgroup, and the depth of K that is staged at once. */
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Invocations along the columns and along the rows. */
  readonly across: number;
  readonly down: number;
}

/** A tile, and how fast a device is with it where C is large and comes out even: FLOP/s, or in any unit of one's own. */
export interface RatedTile {
  readonly tile: Tile;
  /** By the kernel's name. */
  readonly rates: Readonly<Record<string, number>>;
}

/** A tile in words. */
export function tileLabel({ m, n, k, across, down }: Tile): string {
  return `${m}x${n}x${k} by ${across * down}`;
}

/** Bytes of workgroup memory that a tile takes. */
export function tileBytes({ a, b }: Pick<MatmulKernel, "a" | "b">, tile: Tile): number {
  return stagedBytes(a.layout, tile.m, tile.k) + stagedBytes(b.layout, tile.n, tile.k);
}

/**
 * Invocations read whole vectors of 4, each as many as every other, and have whole vectors of rows and of columns of C. A
 * tile that does not come out even would be staged in part.
 * @throws {RangeError} Naming what does not come out even.
 */
export function requireTile({ name }: Pick<MatmulKernel, "name">, { m, n, k, across, down }: Tile): void {
  const workgroup = across * down;
  const conditions: [isMet: boolean, what: string][] = [
    [[m, n, k, across, down].every((size) => Number.isInteger(size) && size > 0), "positive whole numbers"],
    [k % 4 === 0, "k a multiple of 4"],
    [m % (4 * down) === 0, "m a multiple of 4 · down"],
    [n % (4 * across) === 0, "n a multiple of 4 · across"],
    [m * k % (4 * workgroup) === 0, "m · k a multiple of 4 · across · down"],
    [n * k % (4 * workgroup) === 0, "n · k a multiple of 4 · across · down"],
  ];
  const missed = conditions.find(([isMet]) => !isMet);
  if (missed === undefined) return;
  throw new RangeError(
    `Cannot tile ${name} by ${m} x ${n} x ${k} with ${across} invocations across and ${down} down: must have ${
      missed[1]
    }`,
  );
}
