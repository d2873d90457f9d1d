import type { Constants, DeviceTraits, WgslKernel } from "../dispatch.ts";
import { chooseVariant, matmulCall, productKernel, type Variant } from "./linear.ts";
import { type MatmulKernel, sizesOf } from "./matmul_source.ts";
import { chooseTile } from "./matmul_tile_choice.ts";

/** The product of these constants. One product alone is like a linear map's, and leaves the batch out of its source. */
export function describeBatched({ batch, transposeA, transposeB }: Constants): MatmulKernel {
  const a = transposeA === 1 ? "a[l,k,m]" : "a[l,m,k]";
  const b = transposeB === 1 ? "b[l,n,k]" : "b[l,k,n]";
  return {
    name: "batched_matmul",
    formula: `c[l,m,n] = sum_k ${a} * ${b}; l: which of the batch`,
    a: { name: "a", layout: transposeA === 1 ? "columns" : "rows" },
    b: { name: "b", layout: transposeB === 1 ? "rows" : "columns" },
    c: "c",
    sizes: { M: "M", N: "N", K: "K" },
    constants: ["batch", "M", "N", "K", "transposeA", "transposeB", "accumulate"],
    batch: batch === 1 ? undefined : "batch",
    ratedAs: ratedAs(transposeA === 1, transposeB === 1),
  };
}

/** The product of a linear map that reads its operands in the same order, or at least one of them. */
function ratedAs(transposeA: boolean, transposeB: boolean): string {
  if (transposeA) return "linear_backward_weight";
  return transposeB ? "linear_forward" : "linear_backward_input";
}

/** Picks the variant for a batch of products: K is not split, as a batch keeps a GPU busy. */
function chooseBatchedVariant(kernel: MatmulKernel, constants: Constants, traits: DeviceTraits): Variant {
  const sizes = sizesOf(kernel, constants);
  const variant = chooseVariant(sizes, kernel, traits);
  if (variant.kind !== "tiled") return variant;
  return { kind: "tiled", tile: chooseTile(kernel, sizes, constants.batch, traits), splits: 1 };
}

/** batched_matmul: the sources of linear maps, with the product's number in the workgroup's index. */
export const batchedMatmul: WgslKernel = (constants, traits, halves) => {
  const kernel = describeBatched(constants);
  if (constants.batch === 1) return productKernel(kernel)(constants, traits, halves);
  return matmulCall(kernel, constants, chooseBatchedVariant(kernel, constants, traits));
};
