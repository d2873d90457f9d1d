// What a product's code is made for and told.
import type { InstructionSet } from "./instruction_set.ts";

/** Most terms summed before C is updated. */
export const MAX_DEPTH = 256;

/** Bytes from a row to the next of what is copied of a matrix whose rows are those of C: no power of two. */
export const PITCH = (MAX_DEPTH + 16) * 4;

/** Bytes from the copy of a tile's columns to the next one's, over so many steps of depth: no power of two. */
function copyStep(set: InstructionSet, depth: number): number {
  return depth * set.lanes * 4 + COPY_PADDING;
}

/** Beside what is copied of a tile. */
export const COPY_PADDING = 64;

/** Bytes that the copies of A take, of so many tiles over so many steps of depth. */
export function copyBytes(set: InstructionSet, layoutOfA: Layout, tiles: number, depth: number): number {
  return layoutOfA === "across" ? set.tileRows * PITCH : tiles * copyStep(set, depth);
}

/** How a matrix lies in memory: "across", a row of it holds numbers of one row of C; "along", numbers of one step of depth. */
export type Layout = "across" | "along";

/** What a product's code is made for. */
export interface ProductShape {
  readonly layoutOfA: Layout;
  /** Bytes from one row of A to the next, as it lies in memory. */
  readonly aRowBytes: number;
  /** Bytes from one row of C to the next. */
  readonly cRowBytes: number;
  /** Rows of the first tiles, and of those after them, which may be 0. */
  readonly heights: readonly [number, number];
  /** Columns right of the last whole tile. */
  readonly edge: number;
}

/** The parameters, in their order; addresses are those of the first tile's row, or column. */
export const PRODUCT_PARAMETERS = {
  a: 0,
  b: 1,
  c: 2,
  copy: 3,
  depth: 4,
  firstTiles: 5,
  laterTiles: 6,
  wholePanels: 7,
  hasEdge: 8,
  accumulate: 9,
  /** Bytes from a panel of B to the next. */
  panelBytes: 10,
} as const;
