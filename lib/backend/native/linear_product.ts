import type { Product } from "../../../kernels/native/product_cut.ts";
import type { NativeCall } from "./kernel.ts";

/** The product that a call of a linear layer's kernel is: see kernels/simd/linear.ts. */
export function productOf({ name, constants: { rows, I, O } }: NativeCall): Product {
  const [inBytes, outBytes] = [I * 4, O * 4];
  const isForward = name.endsWith("_forward");
  const input = { rows, aRowBytes: isForward ? inBytes : outBytes, bRowBytes: inBytes };
  if (isForward) return { ...input, columns: O, depth: I, layoutOfA: "across", layoutOfB: "across" };
  if (name.endsWith("_backward_input")) {
    return { ...input, columns: I, depth: O, layoutOfA: "across", layoutOfB: "along" };
  }
  return { ...input, rows: O, columns: I, depth: rows, layoutOfA: "along", layoutOfB: "along" };
}
