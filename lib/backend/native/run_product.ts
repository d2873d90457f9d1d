import { PACKING_PARAMETERS } from "../../../kernels/native/packing.ts";
import { PRODUCT_PARAMETERS as WORD } from "../../../kernels/native/product_shape.ts";
import type { ProductPlan, ProductUnit } from "../../../kernels/native/product_plan.ts";
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
    let packed = this.#scratch + this.#plan.packedOffset;
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
    words[PACKING_PARAMETERS.from] = this.#arrays.b +
      (product.layoutOfB === "along"
        ? depthBegin * product.bRowBytes + column * 4
        : column * product.bRowBytes + depthBegin * 4);
    words[PACKING_PARAMETERS.to] = to;
    words[PACKING_PARAMETERS.depth] = depth;
    this.#setPanels(PACKING_PARAMETERS.wholePanels, unit);
    this.#code.pack(pointer);
  }

  #multiply(unit: ProductUnit, packed: number, depthBegin: number, depth: number, add: boolean): void {
    const { product, shape, tiling, panelColumns } = this.#plan;
    const row = tiling.rowOf(unit.firstTile);
    const { words, pointer } = this.#parameters;
    words[WORD.a] = this.#arrays.a +
      (product.layoutOfA === "across"
        ? row * product.aRowBytes + depthBegin * 4
        : depthBegin * product.aRowBytes + row * 4);
    words[WORD.b] = packed;
    words[WORD.c] = this.#arrays.c + row * shape.cRowBytes + unit.firstPanel * panelColumns * 4;
    words[WORD.copy] = this.#scratch;
    words[WORD.depth] = depth;
    [words[WORD.firstTiles], words[WORD.laterTiles]] = tiling.count(unit.firstTile, unit.endTile);
    this.#setPanels(WORD.wholePanels, unit);
    words[WORD.accumulate] = add || this.#arrays.accumulate ? 1 : 0;
    words[WORD.panelBytes] = panelColumns * depth * 4;
    this.#code.multiply(pointer);
  }

  /** How many whole panels a unit has, and, in the next word, whether it has the one at the edge. */
  #setPanels(word: number, { firstPanel, endPanel }: ProductUnit): void {
    const { wholePanels } = this.#plan;
    this.#parameters.words[word] = Math.min(endPanel, wholePanels) - firstPanel;
    this.#parameters.words[word + 1] = endPanel > wholePanels ? 1 : 0;
  }
}
