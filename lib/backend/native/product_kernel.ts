// The products of a linear layer: see lib/ops/linear.ts.
import { assemblePackAcross } from "../../../kernels/native/pack_across.ts";
import { assemblePackAlong } from "../../../kernels/native/pack_along.ts";
import { assembleProduct } from "../../../kernels/native/product.ts";
import { planProduct, type Product } from "../../../kernels/native/product_plan.ts";
import { SCRATCH_BYTES } from "../wasm/layout.ts";
import type { NativeCall, NativeKernel } from "./kernel.ts";
import { ProductRun } from "./run_product.ts";

/** Rows up to which WebAssembly reads a matrix without packing it: see kernels/simd/skinny.ts. */
const MAX_SKINNY = { linear_forward: 16, linear_backward_input: 8, linear_backward_weight: 4 } as const;

/** The product that a call's constants give. */
function productOf({ name, constants: { rows, I, O } }: NativeCall): Product | undefined {
  if (rows <= MAX_SKINNY[name as keyof typeof MAX_SKINNY]) return undefined;
  const [inBytes, outBytes] = [I * 4, O * 4];
  const input = { rows, aRowBytes: name === "linear_forward" ? inBytes : outBytes, bRowBytes: inBytes };
  switch (name) {
    case "linear_forward":
      return { ...input, columns: O, depth: I, layoutOfA: "across", layoutOfB: "across" };
    case "linear_backward_input":
      return { ...input, columns: I, depth: O, layoutOfA: "across", layoutOfB: "along" };
    case "linear_backward_weight":
      return { ...input, rows: O, columns: I, depth: rows, layoutOfA: "along", layoutOfB: "along" };
    default:
      return undefined;
  }
}

/** All three products. */
export const productKernel: NativeKernel = {
  encode(call, code) {
    const product = productOf(call);
    const plan = product && planProduct(product, code.set, code.workers, SCRATCH_BYTES);
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
    const run = new ProductRun(plan, code, arrays, parameters, scratch);
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
