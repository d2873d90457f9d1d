import { attentionBackwardKernel } from "./attention_backward_kernel.ts";
import { attentionForwardKernel } from "./attention_forward_kernel.ts";
import { crossEntropyBackwardKernel, crossEntropyForwardKernel } from "./cross_entropy_kernel.ts";
import type { NativeKernel } from "./kernel.ts";
import { peakKernel } from "./peak_kernel.ts";
import { productKernel } from "./product_kernel.ts";
import { swigluBackwardKernel, swigluForwardKernel } from "./swiglu_kernel.ts";

/** What makes each of the kernels of lib/ that there is machine code for. */
const MAKERS: readonly (readonly [name: string, kernel: NativeKernel])[] = [
  ["linear_forward", productKernel],
  ["linear_backward_input", productKernel],
  ["linear_backward_weight", productKernel],
  ["attention_forward", attentionForwardKernel],
  ["attention_backward", attentionBackwardKernel],
  ["grouped_attention_forward", attentionForwardKernel],
  ["grouped_attention_backward", attentionBackwardKernel],
  ["swiglu_forward", swigluForwardKernel],
  ["swiglu_backward", swigluBackwardKernel],
  ["cross_entropy_forward", crossEntropyForwardKernel],
  ["cross_entropy_backward", crossEntropyBackwardKernel],
  ["cross_entropy_backward_in_place", crossEntropyBackwardKernel],
  ["peak_fma", peakKernel],
];

/** The kernels in machine code, in the order that call lists refer to, behind the wasm module's functions. */
export const NATIVE_KERNELS: readonly NativeKernel[] = MAKERS.map(([, kernel]) => kernel);

/** Where among them the one is that makes a kernel of lib/, by its name. */
export const MADE_BY: ReadonlyMap<string, number> = new Map(MAKERS.map(([name], index) => [name, index]));
