import { attentionBackwardKernel } from "./attention_backward_kernel.ts";
import { attentionForwardKernel } from "./attention_forward_kernel.ts";
import type { NativeKernel } from "./kernel.ts";
import { peakKernel } from "./peak_kernel.ts";
import { productKernel } from "./product_kernel.ts";

/** The kernels in machine code, in the order that call lists refer to, behind the wasm module's functions. */
export const NATIVE_KERNELS: readonly NativeKernel[] = [
  productKernel,
  peakKernel,
  attentionForwardKernel,
  attentionBackwardKernel,
];

/** The kernels of lib/ that each of them makes, by its index. */
export const MADE_BY: ReadonlyMap<string, number> = new Map([
  ["linear_forward", 0],
  ["linear_backward_input", 0],
  ["linear_backward_weight", 0],
  ["peak_fma", 1],
  ["attention_forward", 2],
  ["attention_backward", 3],
]);
