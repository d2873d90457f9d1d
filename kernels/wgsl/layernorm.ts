import backwardInput from "./layernorm_backward_input.wgsl" with { type: "text" };
import backwardWeight from "./layernorm_backward_weight.wgsl" with { type: "text" };
import forward from "./layernorm_forward.wgsl" with { type: "text" };
import type { WgslKernel } from "./dispatch.ts";
import { lanesPerColumn, lanesPerRow } from "./rmsnorm.ts";

export const layernormForward: WgslKernel = lanesPerRow("layernorm_forward", forward);
export const layernormBackwardInput: WgslKernel = lanesPerRow("layernorm_backward_input", backwardInput);
export const layernormBackwardWeight: WgslKernel = lanesPerColumn("layernorm_backward_weight", backwardWeight);
