import { type WgslKernel, WORKGROUP } from "./dispatch.ts";
import formula from "./mean_forward.wgsl" with { type: "text" };
import { ofWidth, widthFor, withConstants, withFunctions } from "./specialize.ts";

const source = withFunctions(formula, "workgroup_sum");

/** Invocations of a real GPU's only workgroup, if it allows so many: each reads less after the other. */
const LARGE_WORKGROUP = 1024;

/** mean_forward: one workgroup, so that a loss takes one dispatch. */
export const meanForward: WgslKernel = ({ n }, { software, maxInvocations }) => {
  const size = software || maxInvocations < LARGE_WORKGROUP ? WORKGROUP : LARGE_WORKGROUP;
  const sized = withConstants(ofWidth(source, widthFor(n)), { WORKGROUP: size });
  return { dispatches: [{ label: "mean_forward", source: sized, workgroups: 1 }] };
};
