import { WORKGROUP } from "./dispatch.ts";

/** Terms that a lane should have at least, and on a CPU that poses as a GPU, where barriers are dear. */
const TERMS_PER_LANE = 8;
const SOFTWARE_TERMS_PER_LANE = 64;

/** From so many on, columns that lie side by side are read by as many invocations side by side. */
const LEAST_COLUMNS = 16;

/** How a workgroup's invocations share out what is joined along a dimension. */
export interface Lanes {
  /** Invocations that share the terms of one result; the workgroup has WORKGROUP / LANES results. */
  readonly LANES: number;
  /** From one of them to the next. */
  readonly LANE_STRIDE: number;
}

/** Shares out results of `terms` terms, which lie `inner` elements apart. */
export function lanesFor(terms: number, inner: number, software: boolean): Lanes {
  const columnsSideBySide = inner >= LEAST_COLUMNS;
  const most = columnsSideBySide ? WORKGROUP / LEAST_COLUMNS : WORKGROUP;
  const wanted = 2 ** Math.floor(Math.log2(terms / (software ? SOFTWARE_TERMS_PER_LANE : TERMS_PER_LANE)));
  const LANES = Math.min(most, Math.max(1, wanted));
  return { LANES, LANE_STRIDE: columnsSideBySide || LANES === 1 ? WORKGROUP / LANES : 1 };
}
