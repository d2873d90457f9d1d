import { type WgslKernel, WORKGROUP } from "./dispatch.ts";
import { ofWidth, widthFor, withFunctions } from "./specialize.ts";
import source from "./sum_partials.wgsl" with { type: "text" };
import treeSource from "./sum_partials_tree.wgsl" with { type: "text" };

/** LANES in sum_partials_tree.wgsl. */
const LANES = 16;

/** sum_partials: one invocation for each sum, or several where sums are long enough and a GPU would have little to do. */
export const sumPartials: WgslKernel = ({ P, D }, { software }) => {
  if (software || P < 2 * LANES) {
    return { dispatches: [{ label: "sum_partials", source, workgroups: Math.ceil(D / WORKGROUP) }] };
  }
  const width = widthFor(D);
  return {
    dispatches: [{
      label: "sum_partials tree",
      source: ofWidth(withFunctions(treeSource, "column_sum"), width),
      workgroups: Math.ceil(D / width / (WORKGROUP / LANES)),
    }],
  };
};
