import { type Constants, type Dispatch, type WgslCall, WORKGROUP } from "../dispatch.ts";
import sumPartials from "../sum_partials.wgsl" with { type: "text" };
import { type MatmulKernel, sizesOf } from "./matmul_source.ts";

/** K of a product, cut into parts of whole steps. */
export interface SplitK {
  /** Steps of K in a part; the last may have fewer. */
  readonly size: number;
  readonly parts: number;
}

/**
 * Cuts K.
 * @param depth The steps of a part are a multiple of it.
 */
export function splitOf(K: number, splits: number, depth: number): SplitK {
  const size = Math.ceil(K / splits / depth) * depth;
  return { size, parts: Math.ceil(K / size) };
}

/** The dispatches of a product: itself, and, where K is split, the sum over the parts. */
export function productCall(
  kernel: MatmulKernel,
  constants: Constants,
  { size, parts }: SplitK,
  product: Dispatch,
): WgslCall {
  if (parts === 1) return { dispatches: [product] };
  const { M, N } = sizesOf(kernel, constants);
  return {
    scratchBytes: 4 * M * N * parts,
    dispatches: [{
      ...product,
      writes: ["scratch"],
      params: [...kernel.constants.map((name) => constants[name]), size],
    }, {
      label: `${kernel.name} sum of ${parts} splits`,
      source: sumPartials,
      workgroups: Math.ceil(M * N / WORKGROUP),
      reads: ["scratch"],
      params: [parts, M * N, constants.accumulate ?? 0],
    }],
  };
}
