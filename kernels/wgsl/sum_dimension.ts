import { type WgslKernel, WORKGROUP } from "./dispatch.ts";
import { lanesFor } from "./lanes.ts";
import { withConstants, withFunctions } from "./specialize.ts";
import source from "./sum_dimension.wgsl" with { type: "text" };

const withLanes = withFunctions(source, "lanes", "lanes_sum");

/** sum_dimension: one invocation for each sum, or several where sums are long. */
export const sumDimension: WgslKernel = ({ outer, length, inner, parts }, { software }) => {
  const lanes = lanesFor(Math.ceil(length / parts), inner, software);
  const sums = WORKGROUP / lanes.LANES;
  return {
    dispatches: [{
      label: "sum_dimension",
      source: withConstants(withLanes, { ...lanes }),
      workgroups: Math.ceil(outer * parts * inner / sums),
    }],
  };
};
