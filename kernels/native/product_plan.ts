// How a matrix product is cut: into tiles, and into pieces of work for the workers.
import type { InstructionSet } from "./instruction_set.ts";
import type { PackingShape } from "./packing.ts";
import { cutIntoPanels, cutIntoUnits, type Product, type ProductCut } from "./product_cut.ts";
import { copyBytes, MAX_DEPTH, type ProductShape } from "./product_shape.ts";
import { shares, Tiling } from "./tiling.ts";

/** A product, cut. */
export interface ProductPlan extends ProductCut {
  readonly shape: ProductShape;
  readonly packing: PackingShape;
}

/** Columns in a piece of work at most: packed, a block of depth of them fits a second-level cache. */
const MAX_COLUMNS = 256;
/** Tiles of rows in a piece of work at least, where there are more pieces for it; and where its columns are packed for it alone. */
const LEAST_TILES = 5;
const LEAST_TILES_PACKED_ALONE = 40;
/** Tiles of a piece of work at most, where A's columns are copied for all of them: about a third of a second-level cache. */
const MAX_TILES_ALONG = 24;
/** Pieces of work for each worker at least, if there can be. */
const UNITS_PER_WORKER = 4;
/** The same where each piece copies columns of A or packs its own of B: the larger it is, the less often. */
const UNITS_PER_WORKER_COPIED = 1;

/**
 * Cuts a product. Which worker computes a unit makes no difference to its bits, nor do the units.
 * @param scratchBytes Of each worker.
 * @returns `undefined` for a product that the code cannot reach by its displacements.
 */
export function planProduct(
  product: Product,
  set: InstructionSet,
  workers: number,
  scratchBytes: number,
): ProductPlan | undefined {
  const { rows, columns, depth, aRowBytes, bRowBytes } = product;
  const panelColumns = 2 * set.lanes;
  if (Math.max(aRowBytes, bRowBytes, columns * 4) * panelColumns >= 2 ** 31) return undefined;
  const tiling = new Tiling(rows, set);
  const { tiles } = tiling;
  const { wholePanels, edge, panels } = cutIntoPanels(columns, panelColumns);
  const mostTiles = Math.min(tiles, product.layoutOfA === "along" ? MAX_TILES_ALONG : Infinity);
  const packedOffset = Math.ceil(copyBytes(set, product.layoutOfA, mostTiles, MAX_DEPTH) / 4096) * 4096;
  const keepsPanels = depth * MAX_COLUMNS * 4 <= scratchBytes - packedOffset;

  const isCopied = product.layoutOfA === "along" || !keepsPanels;
  const target = (isCopied ? UNITS_PER_WORKER_COPIED : UNITS_PER_WORKER) * workers;
  const least = keepsPanels ? LEAST_TILES : LEAST_TILES_PACKED_ALONE;
  const narrowest = Math.ceil(columns / MAX_COLUMNS);
  const down = Math.max(
    Math.ceil(tiles / mostTiles),
    Math.min(Math.ceil(tiles / least), Math.ceil(target / narrowest)),
  );
  const across = Math.max(narrowest, Math.min(Math.ceil(panels / 2), Math.ceil(target / down)));
  const blocks = Math.ceil(depth / MAX_DEPTH);
  return {
    product,
    shape: {
      layoutOfA: product.layoutOfA,
      aRowBytes,
      cRowBytes: columns * 4,
      heights: tiling.heights,
      edge,
    },
    packing: { rowBytes: bRowBytes, edge },
    panelColumns,
    wholePanels,
    tiling,
    depths: shares(depth, blocks),
    units: cutIntoUnits(tiles, down, panels, across),
    packedOffset,
    keepsPanels,
  };
}
