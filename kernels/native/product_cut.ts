// What every matrix product is cut into, whatever numbers it is computed in: panels of columns, blocks of depth, and pieces
// of work for the workers.
import type { Layout } from "./product_shape.ts";
import { share, type Tiling } from "./tiling.ts";

/** C (+)= A B. C is dense, (rows, columns); A is (rows, depth) and B (depth, columns), or their transposes are. */
export interface Product {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly layoutOfA: Layout;
  /** "along": B's rows lie in memory as they are; "across": its columns do, as rows. */
  readonly layoutOfB: Layout;
  readonly aRowBytes: number;
  readonly bRowBytes: number;
}

/** What one piece of work computes: tiles of rows, and panels of columns. */
export interface ProductUnit {
  readonly firstTile: number;
  readonly endTile: number;
  readonly firstPanel: number;
  readonly endPanel: number;
}

/** A product, cut. */
export interface ProductCut {
  readonly product: Product;
  /** Columns of a panel. */
  readonly panelColumns: number;
  /** Panels that are whole; the edge may add one that is not. */
  readonly wholePanels: number;
  readonly tiling: Tiling;
  /** Where the blocks of depth that C is updated by begin, and the end. */
  readonly depths: readonly number[];
  /** Neighbours have the same columns as far as possible. */
  readonly units: readonly ProductUnit[];
  /** Where in a worker's scratch memory the packed columns of B begin, behind what is kept there of A. */
  readonly packedOffset: number;
  /** Whether the packed columns of a unit are kept for the next one with the same columns. */
  readonly keepsPanels: boolean;
}

/**
 * How columns are cut into panels.
 * @returns How many panels are whole, how many columns are right of those, and how many panels there are with these.
 */
export function cutIntoPanels(columns: number, panelColumns: number) {
  const wholePanels = Math.floor(columns / panelColumns);
  const edge = columns % panelColumns;
  return { wholePanels, edge, panels: wholePanels + (edge > 0 ? 1 : 0) };
}

/** Pieces of work: so many tiles cut into `down` parts, by so many panels cut into `across`. */
export function cutIntoUnits(tiles: number, down: number, panels: number, across: number): ProductUnit[] {
  return Array.from({ length: across * down }, (_, unit): ProductUnit => {
    const [column, row] = [Math.floor(unit / down), unit % down];
    return {
      firstTile: share(tiles, row, down),
      endTile: share(tiles, row + 1, down),
      firstPanel: share(panels, column, across),
      endPanel: share(panels, column + 1, across),
    };
  });
}
