import { type WgslKernel, WORKGROUP } from "./dispatch.ts";
import { lanesFor } from "./lanes.ts";
import { withConstants } from "./specialize.ts";
import source from "./sum_dimension.wgsl" with { type: "text" };

/** sum_dimension: one invocation for each sum, or several where sums are long. */
export const sumDimension: WgslKernel = ({ outer, length, inner, parts }, { software }) => {
  const lanes = lanesFor(Math.ceil(length / parts), inner, software);
  const sums = WORKGROUP / lanes.LANES;
  return {
    dispatches: [{
      label: "sum_dimension",
      source: withConstants(source, { ...lanes }),
      workgroups: Math.ceil(outer * parts * inner / sums),
    }],
  };
};
