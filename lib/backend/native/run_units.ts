import type { ProductCut, ProductUnit } from "../../../kernels/native/product_cut.ts";
import { PACKING_PARAMETERS as PACKING } from "../../../kernels/native/packing.ts";
import type { NativeFunction } from "./native_function.ts";
import type { Parameters } from "./parameters.ts";

/** Where a product's matrices are, as WebAssembly counts. */
export interface ProductArrays {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly accumulate: boolean;
}

/** What a worker has to compute a product with. */
export interface ProductTools {
  readonly arrays: ProductArrays;
  readonly parameters: Parameters;
  /** The worker's own memory. */
  readonly scratch: number;
}

/** A unit over a block of depth. */
export interface UnitBlock {
  readonly unit: ProductUnit;
  /** Where its columns of B lie packed. */
  readonly packed: number;
  /** Where its numbers of A begin, and of C. */
  readonly a: number;
  readonly c: number;
  readonly depth: number;
  /** Whether the product is added to C: 1, or 0. */
  readonly accumulate: number;
  /** Bytes from a packed panel to the next. */
  readonly panelBytes: number;
}

/** What products differ in, by what their numbers are packed as. */
export interface BlockCode {
  /** Packs columns of B. */
  readonly pack: NativeFunction;
  /** Bytes of a packed panel over so much depth. */
  readonly panelBytes: (depth: number) => number;
  readonly multiply: (block: UnitBlock) => void;
}

/** Computes units of a product, one after the other, each block of depth by block. */
export class UnitRun {
  readonly #cut: ProductCut;
  readonly #tools: ProductTools;
  readonly #code: BlockCode;
  /** The first of the panels that lie packed. */
  #packed = -1;

  constructor(cut: ProductCut, tools: ProductTools, code: BlockCode) {
    this.#cut = cut;
    this.#tools = tools;
    this.#code = code;
  }

  /** To be called first in each run: what was packed before is of another one. */
  begin(): void {
    this.#packed = -1;
  }

  /** Computes one unit. */
  compute(unit: ProductUnit): void {
    const { product, tiling, panelColumns, depths, keepsPanels, packedOffset } = this.#cut;
    const { arrays, scratch } = this.#tools;
    const row = tiling.rowOf(unit.firstTile);
    const c = arrays.c + (row * product.columns + unit.firstPanel * panelColumns) * 4;
    const isPacked = keepsPanels && this.#packed === unit.firstPanel;
    let packed = scratch + packedOffset;
    for (let block = 0; block + 1 < depths.length; block++) {
      const begin = depths[block];
      const depth = depths[block + 1] - begin;
      if (!isPacked) this.#pack(unit, packed, begin, depth);
      const a = arrays.a +
        (product.layoutOfA === "across" ? row * product.aRowBytes + begin * 4 : begin * product.aRowBytes + row * 4);
      const accumulate = block > 0 || arrays.accumulate ? 1 : 0;
      const panelBytes = this.#code.panelBytes(depth);
      this.#code.multiply({ unit, packed, a, c, depth, accumulate, panelBytes });
      if (keepsPanels) packed += (unit.endPanel - unit.firstPanel) * panelBytes;
    }
    this.#packed = unit.firstPanel;
  }

  #pack(unit: ProductUnit, to: number, depthBegin: number, depth: number): void {
    const { product, panelColumns } = this.#cut;
    const { arrays, parameters: { words, pointer } } = this.#tools;
    const column = unit.firstPanel * panelColumns;
    words[PACKING.from] = arrays.b +
      (product.layoutOfB === "along"
        ? depthBegin * product.bRowBytes + column * 4
        : column * product.bRowBytes + depthBegin * 4);
    words[PACKING.to] = to;
    words[PACKING.depth] = depth;
    [words[PACKING.wholePanels], words[PACKING.hasEdge]] = countPanels(this.#cut, unit);
    this.#code.pack(pointer);
  }
}

/** How many whole panels a unit has, and whether it has the one at the edge: 1, or 0. */
export function countPanels({ wholePanels }: ProductCut, { firstPanel, endPanel }: ProductUnit): [number, number] {
  return [Math.min(endPanel, wholePanels) - firstPanel, endPanel > wholePanels ? 1 : 0];
}
