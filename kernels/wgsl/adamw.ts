import source from "./adamw.wgsl" with { type: "text" };
import { bitsOf, flatElementwise } from "./dispatch.ts";

/** adamw with 1 − β₁ and 1 − β₂ from float64: taken from a β₂ of 0.999 in float32, the latter would be off by 5e-5. */
export const adamw = flatElementwise(
  "adamw",
  source,
  3,
  [true, false, false, true, true, true],
  ({ beta1, beta2, eps, weightDecay }) => bitsOf([beta1, 1 - beta1, beta2, 1 - beta2, eps, weightDecay]),
);
