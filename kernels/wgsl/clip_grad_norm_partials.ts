import formula from "./clip_grad_norm_partials.wgsl" with { type: "text" };
import { type Dispatch, maxWindow, type WgslKernel, WINDOW_ALIGNMENT } from "./dispatch.ts";
import { withFunctions } from "./specialize.ts";

const source = withFunctions(formula, "part_start", "workgroup_sum");

/** clip_grad_norm_partials: as many parts in a dispatch as can be bound at once. */
export const clipGradNormPartials: WgslKernel = ({ n, P }, traits) => {
  const startOf = (p: number) => Math.floor(p * n / P);
  const most = maxWindow(traits);
  const dispatches: Dispatch[] = [];
  for (let p = 0; p < P;) {
    const firstPart = p;
    const first = Math.floor(startOf(p) / WINDOW_ALIGNMENT) * WINDOW_ALIGNMENT;
    // One part at least: that one alone is too large to be bound is said where it is bound.
    do p++; while (p < P && startOf(p + 1) - first <= most);
    dispatches.push({
      label: "clip_grad_norm_partials",
      source,
      workgroups: p - firstPart,
      reads: [{ array: 0, first, count: startOf(p) - first }],
      params: [n, P, first, firstPart, p],
    });
  }
  return { dispatches };
};
