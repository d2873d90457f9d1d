import { PRODUCT_PARAMETERS as WORD } from "../../../kernels/native/product_shape.ts";
import type { ProductPlan } from "../../../kernels/native/product_plan.ts";
import type { NativeFunction } from "./native_function.ts";
import { countPanels, type ProductTools, UnitRun } from "./run_units.ts";

/** A product's code. */
export interface ProductCode {
  readonly pack: NativeFunction;
  readonly multiply: NativeFunction;
}

/** What computes units of a product. */
export function makeProductRun(plan: ProductPlan, code: ProductCode, tools: ProductTools): UnitRun {
  const { tiling, panelColumns } = plan;
  const { parameters: { words, pointer }, scratch } = tools;
  return new UnitRun(plan, tools, {
    pack: code.pack,
    panelBytes: (depth) => panelColumns * depth * 4,
    multiply({ unit, packed, a, c, depth, accumulate, panelBytes }) {
      words[WORD.a] = a;
      words[WORD.b] = packed;
      words[WORD.c] = c;
      words[WORD.copy] = scratch;
      words[WORD.depth] = depth;
      [words[WORD.firstTiles], words[WORD.laterTiles]] = tiling.count(unit.firstTile, unit.endTile);
      [words[WORD.wholePanels], words[WORD.hasEdge]] = countPanels(plan, unit);
      words[WORD.accumulate] = accumulate;
      words[WORD.panelBytes] = panelBytes;
      code.multiply(pointer);
    },
  });
}
