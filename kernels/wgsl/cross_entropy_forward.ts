import formula from "./cross_entropy_forward.wgsl" with { type: "text" };
import { type WgslKernel, WORKGROUP } from "./dispatch.ts";
import { ofWidth, widthFor, withConstants, withFunctions } from "./specialize.ts";

const source = withFunctions(formula, "join", "workgroup_join");

/** Logits of a row that an invocation has at least, where a workgroup can be smaller: four groups of four vec4f. */
const LOGITS_PER_INVOCATION = 64;

/** Invocations of the smallest workgroup: one of the groups in which most GPUs execute them. */
const SMALLEST_WORKGROUP = 32;

/** cross_entropy_forward: a workgroup for each row, its size by the rows' length. */
export const crossEntropyForward: WgslKernel = ({ rows, V }) => {
  const wanted = 2 ** Math.floor(Math.log2(V / LOGITS_PER_INVOCATION));
  const size = Math.max(SMALLEST_WORKGROUP, Math.min(WORKGROUP, wanted));
  const sized = withConstants(ofWidth(source, widthFor(V)), { WORKGROUP: size });
  return { dispatches: [{ label: "cross_entropy_forward", source: sized, workgroups: rows }] };
};
