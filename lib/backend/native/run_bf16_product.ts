import type { Bf16ProductPlan } from "../../../kernels/native/bf16/product_plan.ts";
import {
  BLOCK,
  PACKED_ROWS,
  PANEL_BLOCK_BYTES,
  PRODUCT_PARAMETERS as WORD,
} from "../../../kernels/native/bf16/product_shape.ts";
import { PACKING_PARAMETERS as PACKING } from "../../../kernels/native/packing.ts";
import type { NativeFunction } from "./native_function.ts";
import { countPanels, type ProductTools, type UnitBlock, UnitRun } from "./run_units.ts";

/** The code of a product of numbers rounded to bf16. */
export interface Bf16ProductCode {
  readonly packA: NativeFunction;
  readonly packB: NativeFunction;
  readonly multiply: NativeFunction;
}

/** What computes units of a product of numbers rounded to bf16. */
export function makeBf16ProductRun(plan: Bf16ProductPlan, code: Bf16ProductCode, tools: ProductTools): UnitRun {
  const { tiling } = plan;
  const { parameters: { words, pointer }, scratch } = tools;
  const packA = ({ unit, a, depth }: UnitBlock) => {
    words[PACKING.from] = a;
    words[PACKING.to] = scratch;
    words[PACKING.depth] = depth;
    words[PACKED_ROWS] = tiling.rowOf(unit.endTile) - tiling.rowOf(unit.firstTile);
    code.packA(pointer);
  };
  return new UnitRun(plan, tools, {
    pack: code.packB,
    panelBytes: (depth) => Math.ceil(depth / BLOCK) * PANEL_BLOCK_BYTES,
    multiply(block) {
      packA(block);
      const { unit, packed, c, depth, accumulate, panelBytes } = block;
      words[WORD.a] = scratch;
      words[WORD.b] = packed;
      words[WORD.c] = c;
      words[WORD.blocks] = Math.ceil(depth / BLOCK);
      [words[WORD.firstTiles], words[WORD.laterTiles]] = tiling.count(unit.firstTile, unit.endTile);
      [words[WORD.wholePanels], words[WORD.hasEdge]] = countPanels(plan, unit);
      words[WORD.accumulate] = accumulate;
      words[WORD.panelBytes] = panelBytes;
      code.multiply(pointer);
    },
  });
}
