import { type WgslKernel, WORKGROUP } from "./dispatch.ts";
import backwardWeight from "./rmsnorm_backward_weight.wgsl" with { type: "text" };
import { ofWidth, widthFor, withConstants } from "./specialize.ts";

/** Invocations that share an element's rows at most: those of a workgroup then read 256 bytes of a row side by side. */
const MAX_LANES = 16;

/** Rows that each of them has at least: those that it reads at the same time. */
const ROWS_PER_LANE = 4;

/** rmsnorm_backward_weight: on a GPU, 256 workgroups and more keep several rows each on their way from memory. */
export const rmsnormBackwardWeight: WgslKernel = ({ rows, D, P }, { software }) => {
  const width = widthFor(D);
  const lanes = software ? 1 : lanesFor(rows / P);
  return {
    dispatches: [{
      label: "rmsnorm_backward_weight",
      source: ofWidth(withConstants(backwardWeight, { LANES: lanes }), width),
      workgroups: P * Math.ceil(D / width / (WORKGROUP / lanes)),
    }],
  };
};

/** A power of two. */
function lanesFor(rowsPerPart: number): number {
  const wanted = 2 ** Math.floor(Math.log2(Math.max(1, rowsPerPart / ROWS_PER_LANE)));
  return Math.min(MAX_LANES, wanted);
}
