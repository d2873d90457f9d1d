// What is drawn of a profile: a bar for each kernel and shape, and in it the least time that the machine's limits allow.
import { labelOf, type StepProfile } from "../../lib/accounting/step_profile.ts";
import { formatDuration, formatShare } from "../../lib/accounting/units.ts";

/** Kernels that take less than this share of the step are one bar together. */
const SMALLEST_SHARE = 0.005;

/** One bar. */
export interface ProfileBar {
  /** The kernel, its shape and the number of its calls. */
  readonly label: string;
  /** Its time, its share of the step, and its share of the roofline. */
  readonly figures: string;
  /** Its time as a share of the longest bar's. */
  readonly taken: number;
  /** The least time that the limits allow, at most `taken`; as a share of the longest bar's. */
  readonly least: number;
  /** The limit that determines it. */
  readonly bound: "compute" | "memory";
}

/** How each part of a bar is called. */
export const BAR_PARTS = [
  ["taken", "time taken"],
  ["compute", "least that arithmetic allows"],
  ["memory", "least that memory allows"],
] as const;

/** A profile's bars, the longest first. */
export function profileBars({ rows, seconds }: StepProfile): ProfileBar[] {
  const large = rows.filter((row) => row.timeShare >= SMALLEST_SHARE);
  const small = rows.filter((row) => row.timeShare < SMALLEST_SHARE);
  const timed = large.map((row) => ({
    ...{ label: `${labelOf(row)} × ${row.calls}`, seconds: row.seconds, bound: row.bound },
    ...{ least: row.rooflineSeconds, ofRoofline: row.rooflineShare },
  }));
  if (small.length > 0) {
    const taken = small.reduce((sum, row) => sum + row.seconds, 0);
    const least = small.reduce((sum, row) => sum + row.rooflineSeconds, 0);
    const label = `${small.length} ${small.length === 1 ? "other" : "others"}`;
    timed.push({ label, seconds: taken, bound: "memory", least, ofRoofline: least / taken });
  }
  const longest = Math.max(...timed.map((bar) => bar.seconds));
  return timed.map((bar) => ({
    label: bar.label,
    figures: [
      formatDuration(bar.seconds),
      `${formatShare(bar.seconds / seconds)} of the step`,
      ...(bar.ofRoofline === undefined ? [] : [`${formatShare(bar.ofRoofline)} of the roofline`]),
    ].join(", "),
    taken: bar.seconds / longest,
    least: Math.min(bar.least, bar.seconds) / longest,
    bound: bar.bound,
  }));
}
