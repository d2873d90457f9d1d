import { type WgslKernel, WORKGROUP } from "./dispatch.ts";
import { lanesFor } from "./lanes.ts";
import backwardSource from "./softmax_strided_backward.wgsl" with { type: "text" };
import forwardSource from "./softmax_strided_forward.wgsl" with { type: "text" };
import { withConstants, withFunctions } from "./specialize.ts";

/** One invocation for each column, or several where columns are long. */
function columnKernel(label: string, source: string): WgslKernel {
  return ({ outer, D, inner }, { software }) => {
    const lanes = lanesFor(D, inner, software);
    const columns = WORKGROUP / lanes.LANES;
    const sized = withConstants(source, { ...lanes });
    return { dispatches: [{ label, source: sized, workgroups: Math.ceil(outer * inner / columns) }] };
  };
}

export const softmaxStridedForward = columnKernel(
  "softmax_strided_forward",
  withFunctions(forwardSource, "lanes", "join"),
);
export const softmaxStridedBackward = columnKernel(
  "softmax_strided_backward",
  withFunctions(backwardSource, "lanes", "lanes_sum"),
);
