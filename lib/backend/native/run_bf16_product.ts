import type { Bf16ProductPlan } from "../../../kernels/native/bf16/product_plan.ts";
import {
  BLOCK,
  PACKING_PARAMETERS as PACKING,
  PANEL_BLOCK_BYTES,
  PANEL_COLUMNS,
  PRODUCT_PARAMETERS as WORD,
} from "../../../kernels/native/bf16/product_shape.ts";
import type { ProductUnit } from "../../../kernels/native/product_plan.ts";
import type { NativeFunction } from "./native_function.ts";
import type { Parameters } from "./parameters.ts";
import type { ProductArrays } from "./run_product.ts";

/** The code of a product of numbers rounded to bf16. */
export interface Bf16ProductCode {
  readonly packA: NativeFunction;
  readonly packB: NativeFunction;
  readonly multiply: NativeFunction;
}

/** Computes units of a product of numbers rounded to bf16, one after the other. */
export class Bf16ProductRun {
  readonly #plan: Bf16ProductPlan;
  readonly #code: Bf16ProductCode;
  readonly #arrays: ProductArrays;
  readonly #parameters: Parameters;
  readonly #scratch: number;
  /** The first of the panels that lie packed. */
  #packed = -1;

  /** @param scratch The worker's own memory. */
  constructor(
    plan: Bf16ProductPlan,
    code: Bf16ProductCode,
    arrays: ProductArrays,
    parameters: Parameters,
    scratch: number,
  ) {
    this.#plan = plan;
    this.#code = code;
    this.#arrays = arrays;
    this.#parameters = parameters;
    this.#scratch = scratch;
  }

  /** To be called first in each run: what was packed before is of another one. */
  begin(): void {
    this.#packed = -1;
  }

  /** Computes one unit. */
  compute(unit: ProductUnit): void {
    const { depths, keepsPanels } = this.#plan;
    const isPacked = keepsPanels && this.#packed === unit.firstPanel;
    let packed = this.#scratch + this.#plan.packedOffset;
    for (let part = 0; part + 1 < depths.length; part++) {
      const begin = depths[part];
      const depth = depths[part + 1] - begin;
      this.#packA(unit, begin, depth);
      if (!isPacked) this.#packB(unit, packed, begin, depth);
      this.#multiply(unit, packed, depth, part > 0);
      if (keepsPanels) packed += (unit.endPanel - unit.firstPanel) * panelBytes(depth);
    }
    this.#packed = unit.firstPanel;
  }

  #packA({ firstTile, endTile }: ProductUnit, depthBegin: number, depth: number): void {
    const { product: { layoutOfA, aRowBytes }, tiling } = this.#plan;
    const row = tiling.rowOf(firstTile);
    const { words, pointer } = this.#parameters;
    words[PACKING.from] = this.#arrays.a +
      (layoutOfA === "across" ? row * aRowBytes + depthBegin * 4 : depthBegin * aRowBytes + row * 4);
    words[PACKING.to] = this.#scratch;
    words[PACKING.depth] = depth;
    words[PACKING.rows] = tiling.rowOf(endTile) - row;
    this.#code.packA(pointer);
  }

  #packB(unit: ProductUnit, to: number, depthBegin: number, depth: number): void {
    const { layoutOfB, bRowBytes } = this.#plan.product;
    const column = unit.firstPanel * PANEL_COLUMNS;
    const { words, pointer } = this.#parameters;
    words[PACKING.from] = this.#arrays.b +
      (layoutOfB === "along" ? depthBegin * bRowBytes + column * 4 : column * bRowBytes + depthBegin * 4);
    words[PACKING.to] = to;
    words[PACKING.depth] = depth;
    this.#setPanels(PACKING.wholePanels, unit);
    this.#code.packB(pointer);
  }

  #multiply(unit: ProductUnit, packed: number, depth: number, add: boolean): void {
    const { shape, tiling } = this.#plan;
    const row = tiling.rowOf(unit.firstTile);
    const { words, pointer } = this.#parameters;
    words[WORD.a] = this.#scratch;
    words[WORD.b] = packed;
    words[WORD.c] = this.#arrays.c + row * shape.cRowBytes + unit.firstPanel * PANEL_COLUMNS * 4;
    words[WORD.blocks] = Math.ceil(depth / BLOCK);
    [words[WORD.firstTiles], words[WORD.laterTiles]] = tiling.count(unit.firstTile, unit.endTile);
    this.#setPanels(WORD.wholePanels, unit);
    words[WORD.accumulate] = add || this.#arrays.accumulate ? 1 : 0;
    words[WORD.panelBytes] = panelBytes(depth);
    this.#code.multiply(pointer);
  }

  /** How many whole panels a unit has, and, in the next word, whether it has the one at the edge. */
  #setPanels(word: number, { firstPanel, endPanel }: ProductUnit): void {
    const { wholePanels } = this.#plan;
    this.#parameters.words[word] = Math.min(endPanel, wholePanels) - firstPanel;
    this.#parameters.words[word + 1] = endPanel > wholePanels ? 1 : 0;
  }
}

/** Bytes of a panel over so much depth. */
function panelBytes(depth: number): number {
  return Math.ceil(depth / BLOCK) * PANEL_BLOCK_BYTES;
}
