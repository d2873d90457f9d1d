// What code for products of numbers rounded to bf16 is made for and told. Sums are float32.
// Packed, a step of depth is a pair: two numbers of 16 bits, the first in the lower half.
import { PACKING_PARAMETERS } from "../packing.ts";

/** What multiplies: AMX, whose tiles are matrices, or AVX512_BF16, with vectors. */
export type Bf16Unit = "amx" | "avx512";

/** Rows of a tile of sums. All are 32 columns wide. */
export const TILE_ROWS: Readonly<Record<Bf16Unit, number>> = { amx: 32, avx512: 14 };

/** Columns of a panel of B. */
export const PANEL_COLUMNS = 32;

/** Numbers of a block of depth, with which packed matrices are filled up: a row of a tile of AMX. */
export const BLOCK = 32;

/** Most numbers of depth before C is updated. */
export const MAX_DEPTH = 512;

/** Bytes from a row of packed A to the next: no power of two. */
export const PITCH = MAX_DEPTH * 2 + 64;

/** Bytes of a block of a whole panel: 16 pairs of each column. */
export const PANEL_BLOCK_BYTES = BLOCK / 2 * PANEL_COLUMNS * 4;

/** What a product's code is made for. */
export interface Bf16ProductShape {
  readonly unit: Bf16Unit;
  /** Rows of the first tiles, and of those after them, which may be 0. */
  readonly heights: readonly [number, number];
  /** Bytes from one row of C to the next. */
  readonly cRowBytes: number;
  /** Columns right of the last whole panel. */
  readonly edge: number;
}

/** The parameters, in their order. */
export const PRODUCT_PARAMETERS = {
  /** A packed, at the first row; then B's first panel, and C's first element. */
  a: 0,
  b: 1,
  c: 2,
  /** Blocks of depth. */
  blocks: 3,
  firstTiles: 4,
  laterTiles: 5,
  wholePanels: 6,
  hasEdge: 7,
  accumulate: 8,
  /** Bytes from a panel of B to the next. */
  panelBytes: 9,
} as const;

/** The parameter of packing A that says how many rows: in the place of panels of B. Depth is in numbers. */
export const PACKED_ROWS = PACKING_PARAMETERS.wholePanels;
