import backward from "./cross_entropy_backward.wgsl" with { type: "text" };
import backwardInPlace from "./cross_entropy_backward_in_place.wgsl" with { type: "text" };
import forward from "./cross_entropy_forward.wgsl" with { type: "text" };
import { type WgslKernel, WORKGROUP } from "./dispatch.ts";
import { ofWidth, widthFor, withConstants } from "./specialize.ts";

/** Logits of a row that an invocation has at least, where a workgroup can be smaller: four groups of four vec4f. */
const LOGITS_PER_INVOCATION = 64;

/** Invocations of the smallest workgroup: one of the groups in which most GPUs execute them. */
const SMALLEST_WORKGROUP = 32;

/** cross_entropy_forward: a workgroup for each row, its size by the rows' length. */
export const crossEntropyForward: WgslKernel = ({ rows, V }) => {
  const wanted = 2 ** Math.floor(Math.log2(V / LOGITS_PER_INVOCATION));
  const size = Math.max(SMALLEST_WORKGROUP, Math.min(WORKGROUP, wanted));
  const source = withConstants(ofWidth(forward, widthFor(V)), { WORKGROUP: size });
  return { dispatches: [{ label: "cross_entropy_forward", source, workgroups: rows }] };
};

export const crossEntropyBackward: WgslKernel = rowsOf("cross_entropy_backward", backward);
export const crossEntropyBackwardInPlace: WgslKernel = rowsOf("cross_entropy_backward_in_place", backwardInPlace);

/** One invocation for each element of all rows. */
function rowsOf(label: string, source: string): WgslKernel {
  return ({ rows, V }) => {
    const width = widthFor(V);
    const sized = withConstants(ofWidth(source, width), { ROW: V / width });
    return { dispatches: [{ label, source: sized, workgroups: Math.ceil(rows * V / width / WORKGROUP) }] };
  };
}
