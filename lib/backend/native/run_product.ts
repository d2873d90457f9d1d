import { PACKED_OFFSET, type ProductPlan, type ProductUnit } from "../../../kernels/native/product_plan.ts";
import type { NativeFunction } from "./native_function.ts";
import type { Parameters } from "./parameters.ts";

/** A product's code. */
export interface ProductCode {
  readonly pack: NativeFunction;
  readonly multiply: NativeFunction;
}

/** Where a product's matrices are, as WebAssembly counts. */
export interface ProductArrays {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly accumulate: boolean;
}

/** Computes units of a product, one after the other. */
export class ProductRun {
  readonly #plan: ProductPlan;
  readonly #code: ProductCode;
  readonly #arrays: ProductArrays;
  readonly #parameters: Parameters;
  readonly #scratch: number;
  /** The first of the panels that lie packed. */
  #packed = -1;

  /** @param scratch The worker's own memory. */
  constructor(plan: ProductPlan, code: ProductCode, arrays: ProductArrays, parameters: Parameters, scratch: number) {
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
    let packed = this.#scratch + PACKED_OFFSET;
    for (let block = 0; block + 1 < depths.length; block++) {
      const begin = depths[block];
      const depth = depths[block + 1] - begin;
      if (!isPacked) this.#pack(unit, packed, begin, depth);
      this.#multiply(unit, packed, begin, depth, block > 0);
      if (keepsPanels) packed += (unit.endPanel - unit.firstPanel) * this.#plan.panelColumns * depth * 4;
    }
    this.#packed = unit.firstPanel;
  }

  #pack(unit: ProductUnit, to: number, depthBegin: number, depth: number): void {
    const { product, panelColumns } = this.#plan;
    const column = unit.firstPanel * panelColumns;
    const { words, pointer } = this.#parameters;
    words[0] = this.#arrays.b +
      (product.layoutOfB === "along"
        ? depthBegin * product.bRowBytes + column * 4
        : column * product.bRowBytes + depthBegin * 4);
    words[1] = to;
    words[2] = depth;
    this.#setPanels(3, unit);
    this.#code.pack(pointer);
  }

  #multiply(unit: ProductUnit, packed: number, depthBegin: number, depth: number, add: boolean): void {
    const { product, shape, firstTiles, panelColumns } = this.#plan;
    const row = this.#rowOf(unit.firstTile);
    const { words, pointer } = this.#parameters;
    words[0] = this.#arrays.a +
      (product.layoutOfA === "across"
        ? row * product.aRowBytes + depthBegin * 4
        : depthBegin * product.aRowBytes + row * 4);
    words[1] = packed;
    words[2] = this.#arrays.c + row * shape.cRowBytes + unit.firstPanel * panelColumns * 4;
    words[3] = this.#scratch;
    words[4] = depth;
    words[5] = Math.max(0, Math.min(unit.endTile, firstTiles) - unit.firstTile);
    words[6] = Math.max(0, unit.endTile - Math.max(unit.firstTile, firstTiles));
    this.#setPanels(7, unit);
    words[9] = add || this.#arrays.accumulate ? 1 : 0;
    this.#code.multiply(pointer);
  }

  /** How many whole panels a unit has, and whether it has the one at the edge. */
  #setPanels(word: number, { firstPanel, endPanel }: ProductUnit): void {
    const { wholePanels } = this.#plan;
    this.#parameters.words[word] = Math.min(endPanel, wholePanels) - firstPanel;
    this.#parameters.words[word + 1] = endPanel > wholePanels ? 1 : 0;
  }

  #rowOf(tile: number): number {
    const { firstTiles, shape: { heights } } = this.#plan;
    return tile <= firstTiles ? tile * heights[0] : firstTiles * heights[0] + (tile - firstTiles) * heights[1];
  }
}
