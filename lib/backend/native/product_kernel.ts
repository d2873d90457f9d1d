// The products of a linear layer: see lib/ops/linear.ts.
import { assemblePackAcross } from "../../../kernels/native/pack_across.ts";
import { assemblePackAlong } from "../../../kernels/native/pack_along.ts";
import { assembleProduct } from "../../../kernels/native/product.ts";
import { planProduct } from "../../../kernels/native/product_plan.ts";
import { SCRATCH_BYTES } from "../wasm/layout.ts";
import type { NativeKernel } from "./kernel.ts";
import { productOf } from "./linear_product.ts";
import { makeProductRun } from "./run_product.ts";

/** Rows up to which WebAssembly reads a matrix without packing it: see kernels/simd/skinny.ts. */
const MAX_SKINNY = { linear_forward: 16, linear_backward_input: 8, linear_backward_weight: 4 } as const;

/** All three products. */
export const productKernel: NativeKernel = {
  encode(call, code) {
    if (call.constants.rows <= MAX_SKINNY[call.name as keyof typeof MAX_SKINNY]) return undefined;
    const plan = planProduct(productOf(call), code.set, code.workers, SCRATCH_BYTES);
    if (plan === undefined) return undefined;
    const { rows, columns, depth, layoutOfA, layoutOfB, aRowBytes, bRowBytes } = plan.product;
    const multiply = code.addressOf(assembleProduct, plan.shape);
    const pack = code.addressOf(layoutOfB === "along" ? assemblePackAlong : assemblePackAcross, plan.packing);
    const layouts = [layoutOfA, layoutOfB].map((layout) => layout === "along" ? 1 : 0);
    const [a, b, c] = call.addresses;
    const accumulate = call.constants.accumulate ?? 0;
    return [multiply, pack, rows, columns, depth, ...layouts, aRowBytes, bRowBytes, a, b, c, accumulate];
  },

  bind(numbers, counters, { set, workers, parameters, scratch, makeFunction, work }) {
    const [multiply, pack, rows, columns, depth, alongA, alongB, aRowBytes, bRowBytes, a, b, c, accumulate] = numbers;
    const layout = (along: number) => along === 1 ? "along" as const : "across" as const;
    const layouts = { layoutOfA: layout(alongA), layoutOfB: layout(alongB) };
    const plan = planProduct({ rows, columns, depth, ...layouts, aRowBytes, bRowBytes }, set, workers, SCRATCH_BYTES)!;
    const code = { multiply: makeFunction(BigInt(multiply)), pack: makeFunction(BigInt(pack)) };
    const arrays = { a, b, c, accumulate: accumulate === 1 };
    const run = makeProductRun(plan, code, { arrays, parameters, scratch });
    const { units } = plan;
    return () => {
      run.begin();
      work.divide(counters, units.length, 1);
      while (work.claim()) {
        const end = work.endUnit();
        for (let unit = work.firstUnit(); unit < end; unit++) run.compute(units[unit]);
      }
    };
  },
};
