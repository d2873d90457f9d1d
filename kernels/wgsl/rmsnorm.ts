import { type WgslKernel, WORKGROUP } from "./dispatch.ts";
import backwardInput from "./rmsnorm_backward_input.wgsl" with { type: "text" };
import backwardWeight from "./rmsnorm_backward_weight.wgsl" with { type: "text" };
import forward from "./rmsnorm_forward.wgsl" with { type: "text" };
import { ofWidth, widthFor, withConstants, withFunctions } from "./specialize.ts";

export const rmsnormForward: WgslKernel = lanesPerRow("rmsnorm_forward", forward);
export const rmsnormBackwardInput: WgslKernel = lanesPerRow("rmsnorm_backward_input", backwardInput);

/** Elements of a row that one invocation should have: fewer invocations wait for each other less. */
const ELEMENTS_PER_LANE = 4;

/** Invocations of a row at least, so that they read 128 bytes side by side. */
const MIN_LANES = 8;

/** A kernel with several invocations for each row, by the rows' length, and several rows in a workgroup. */
export function lanesPerRow(label: string, source: string): WgslKernel {
  return ({ rows, D }) => {
    const width = widthFor(D);
    const wide = ofWidth(withFunctions(source, "row_sum"), width);
    const wanted = 2 ** Math.ceil(Math.log2(D / width / ELEMENTS_PER_LANE));
    const lanes = Math.max(MIN_LANES, Math.min(WORKGROUP, wanted));
    return {
      dispatches: [{
        label,
        source: withConstants(wide, { LANES: lanes }),
        workgroups: Math.ceil(rows * lanes / WORKGROUP),
      }],
    };
  };
}

/** Invocations that share an element's rows at most: those of a workgroup then read 256 bytes of a row side by side. */
const MAX_LANES = 16;

/** Rows that each of them has at least: those that it reads at the same time. */
const ROWS_PER_LANE = 4;

export const rmsnormBackwardWeight: WgslKernel = lanesPerColumn("rmsnorm_backward_weight", backwardWeight);

/** Partial sums over rows: on a GPU, 256 workgroups and more keep several rows each on their way from memory. */
export function lanesPerColumn(label: string, source: string): WgslKernel {
  return ({ rows, D, P }, { software }) => {
    const width = widthFor(D);
    const lanes = software ? 1 : lanesFor(rows / P);
    const joined = withFunctions(source, "part_start", "sum_of_rows", "column_sum", "write_part");
    return {
      dispatches: [{
        label,
        source: withConstants(ofWidth(joined, width), { LANES: lanes }),
        workgroups: P * Math.ceil(D / width / (WORKGROUP / lanes)),
      }],
    };
  };
}

/** A power of two. */
function lanesFor(rowsPerPart: number): number {
  const wanted = 2 ** Math.floor(Math.log2(Math.max(1, rowsPerPart / ROWS_PER_LANE)));
  return Math.min(MAX_LANES, wanted);
}
