// The products of a linear layer, rounded to bf16: see lib/ops/linear_bf16.ts.
import { assemblePackAcross } from "../../../kernels/native/bf16/pack_across.ts";
import { assemblePackAlong } from "../../../kernels/native/bf16/pack_along.ts";
import { assemblePackColumns } from "../../../kernels/native/bf16/pack_columns.ts";
import { assemblePackRows } from "../../../kernels/native/bf16/pack_rows.ts";
import { assembleBf16Product } from "../../../kernels/native/bf16/product.ts";
import { planBf16Product } from "../../../kernels/native/bf16/product_plan.ts";
import type { Bf16Unit } from "../../../kernels/native/bf16/product_shape.ts";
import { SCRATCH_BYTES } from "../wasm/layout.ts";
import type { NativeKernel } from "./kernel.ts";
import { productOf } from "./linear_product.ts";
import { permitTiles } from "./permit_tiles.ts";
import { makeBf16ProductRun } from "./run_bf16_product.ts";

const UNITS: readonly Bf16Unit[] = ["amx", "avx512"];

/** All three products. */
export const bf16ProductKernel: NativeKernel = {
  encode(call, code) {
    const unit = code.bf16Units.find((unit) => unit !== "amx" || permitTiles());
    if (unit === undefined) throw new RangeError("Cannot multiply in bf16: got a processor without AVX512_BF16");
    const product = productOf(call);
    const { rows, columns, depth, layoutOfA, layoutOfB, aRowBytes, bRowBytes } = product;
    const { shape, packing } = planBf16Product(product, unit, code.workers, SCRATCH_BYTES);
    const packA = code.addressOf(layoutOfA === "across" ? assemblePackRows : assemblePackColumns, packing.a);
    const packB = code.addressOf(layoutOfB === "across" ? assemblePackAcross : assemblePackAlong, packing.b);
    const multiply = code.addressOf(assembleBf16Product, shape);
    const layouts = [layoutOfA, layoutOfB].map((layout) => layout === "along" ? 1 : 0);
    const sizes = [rows, columns, depth, ...layouts, aRowBytes, bRowBytes];
    return [UNITS.indexOf(unit), packA, packB, multiply, ...sizes, ...call.addresses, call.constants.accumulate ?? 0];
  },

  bind(numbers, counters, { workers, parameters, scratch, makeFunction, work }) {
    const [unit, packA, packB, multiply, rows, columns, depth, alongA, alongB, aRowBytes, bRowBytes, ...rest] = numbers;
    const layout = (along: number) => along === 1 ? "along" as const : "across" as const;
    const layouts = { layoutOfA: layout(alongA), layoutOfB: layout(alongB) };
    const product = { rows, columns, depth, ...layouts, aRowBytes, bRowBytes };
    const plan = planBf16Product(product, UNITS[unit], workers, SCRATCH_BYTES);
    const [a, b, c, accumulate] = rest;
    const make = (address: number) => makeFunction(BigInt(address));
    const code = { packA: make(packA), packB: make(packB), multiply: make(multiply) };
    const arrays = { a, b, c, accumulate: accumulate === 1 };
    const run = makeBf16ProductRun(plan, code, { arrays, parameters, scratch });
    return () => {
      run.begin();
      work.divide(counters, plan.units.length, 1);
      while (work.claim()) {
        const end = work.endUnit();
        for (let unit = work.firstUnit(); unit < end; unit++) run.compute(plan.units[unit]);
      }
    };
  },
};
