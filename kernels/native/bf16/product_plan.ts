// How a product of numbers rounded to bf16 is cut: into tiles, and into pieces of work for the workers.
import type { PackingShape } from "../packing.ts";
import { cutIntoPanels, cutIntoUnits, type Product, type ProductCut } from "../product_cut.ts";
import { shares, Tiling } from "../tiling.ts";
import {
  type Bf16ProductShape,
  type Bf16Unit,
  BLOCK,
  MAX_DEPTH,
  PANEL_BLOCK_BYTES,
  PANEL_COLUMNS,
  PITCH,
  TILE_ROWS,
} from "./product_shape.ts";

/** A product, cut. */
export interface Bf16ProductPlan extends ProductCut {
  readonly shape: Bf16ProductShape;
  readonly packing: { readonly a: PackingShape; readonly b: PackingShape };
}

/** Rows and columns of a piece of work at most: packed, each takes about a quarter of a second-level cache. */
const MAX_SIDE = 512;
/** Rows and columns of a piece of work at least, where there are more pieces for it. */
const LEAST_SIDE = 128;
/** Pieces of work for each worker at least, if there can be. */
const UNITS_PER_WORKER = 2;

/**
 * Cuts a product. Which worker computes a unit makes no difference to its bits, nor do the units.
 * @param scratchBytes Of each worker.
 * @throws {RangeError} For a product whose rows are too far apart for the code's displacements.
 */
export function planBf16Product(
  product: Product,
  unit: Bf16Unit,
  workers: number,
  scratchBytes: number,
): Bf16ProductPlan {
  const { rows, columns, depth, aRowBytes, bRowBytes } = product;
  const longest = Math.max(aRowBytes, bRowBytes, columns * 4);
  if (longest * BLOCK >= 2 ** 31) {
    throw new RangeError(`Cannot multiply in bf16: got rows of ${longest} bytes, must be below ${2 ** 31 / BLOCK}`);
  }
  const tileRows = TILE_ROWS[unit];
  const tiling = new Tiling(rows, { tileRows });
  const { tiles, heights } = tiling;
  const { wholePanels, edge, panels } = cutIntoPanels(columns, PANEL_COLUMNS);
  const target = UNITS_PER_WORKER * workers;
  const narrowest = Math.ceil(columns / MAX_SIDE);
  const down = Math.max(
    Math.ceil(tiles * tileRows / MAX_SIDE),
    Math.min(Math.ceil(tiles * tileRows / LEAST_SIDE), Math.ceil(target / narrowest)),
  );
  const across = Math.max(narrowest, Math.min(Math.ceil(columns / LEAST_SIDE), Math.ceil(target / down)));
  const blocks = Math.ceil(depth / MAX_DEPTH);
  // A square that is packed may have rows that A does not.
  const rowsOfUnit = Math.ceil(tiles / down) * tileRows + 16;
  const packedOffset = Math.ceil(rowsOfUnit * PITCH / 4096) * 4096;
  const allBlocks = Math.ceil(depth / BLOCK) + blocks;
  const packedBytes = Math.ceil(panels / across) * allBlocks * PANEL_BLOCK_BYTES;
  return {
    product,
    shape: { unit, heights, cRowBytes: columns * 4, edge },
    packing: { a: { rowBytes: aRowBytes, edge: 0 }, b: { rowBytes: bRowBytes, edge } },
    panelColumns: PANEL_COLUMNS,
    wholePanels,
    tiling,
    depths: shares(depth, blocks),
    units: cutIntoUnits(tiles, down, panels, across),
    packedOffset,
    keepsPanels: packedOffset + packedBytes <= scratchBytes,
  };
}
