// What a device can do at most, in words.
import type { MachineLimits } from "../../lib/accounting/roofline.ts";
import { formatSi } from "../../lib/accounting/units.ts";

/** The limits in one line. */
export function formatLimits({ peak, peakSource, bandwidth, bandwidthSource }: MachineLimits): string {
  return `peak ${formatSi(peak, "FLOP/s")} (${peakSource}); memory ${formatSi(bandwidth, "B/s")} (${bandwidthSource})`;
}
