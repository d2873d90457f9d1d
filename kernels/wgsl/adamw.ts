import source from "./adamw.wgsl" with { type: "text" };
import { type WgslKernel, WORKGROUP } from "./dispatch.ts";

/** adamw with 1 − β₁ and 1 − β₂ from float64: taken from a β₂ of 0.999 in float32, the latter would be off by 5e-5. */
export const adamw: WgslKernel = ({ n, beta1, beta2, eps, weightDecay }) => ({
  dispatches: [{
    label: "adamw",
    source,
    workgroups: Math.ceil(n / WORKGROUP),
    params: [n, ...bitsOf([beta1, 1 - beta1, beta2, 1 - beta2, eps, weightDecay])],
  }],
});

/** The words of numbers as float32. */
function bitsOf(values: readonly number[]): Uint32Array {
  return new Uint32Array(Float32Array.from(values).buffer);
}
