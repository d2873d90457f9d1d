// No device exceeds its limits: if one was faster than a limit, the limit was measured too low.
import { type CallWork, type MachineLimits, rooflineSeconds } from "./roofline.ts";
import { formatSi } from "./units.ts";

/** Bytes that no cache holds: whatever touches that many faster than memory can shows that memory is faster. */
const BEYOND_CACHES = 512 * 2 ** 20;

/** The bandwidth is for reading; writing may happen at the same time. */
const BOTH_WAYS = 2;

/** Work, and the time that it took. */
type WorkAndTime = CallWork & { readonly seconds: number };

/** The same, with a name for messages. */
export type TimedWork = WorkAndTime & { readonly name: string };

/**
 * The share of the roofline that some work reached. It is above 1 if arrays came from caches, or were written while
 * others were read.
 *
 * @returns `undefined` if the work shows that a limit was measured too low: then a share of it would be meaningless.
 */
export function shareOfRoofline(
  work: CallWork & { readonly seconds: number },
  limits: MachineLimits,
): number | undefined {
  if (exceedsPeak(work, limits) || exceedsMemory(work, limits)) return undefined;
  return rooflineSeconds(work, limits) / work.seconds;
}

/**
 * Warnings if some work was faster than the limits allow: a line for each limit that was measured too low, with the
 * fastest work that shows it.
 */
export function exceededLimits(timed: readonly TimedWork[], limits: MachineLimits): string[] {
  const { peak, peakSource, bandwidth, bandwidthSource } = limits;
  const checks = [
    {
      of: "flops",
      exceeds: exceedsPeak,
      unit: "FLOP/s",
      limit: `the peak of ${formatSi(peak, "FLOP/s")} (${peakSource})`,
    },
    {
      of: "bytes",
      exceeds: exceedsMemory,
      unit: "B/s",
      limit: `twice the memory's ${formatSi(bandwidth, "B/s")} (${bandwidthSource})`,
    },
  ] as const;
  return checks.flatMap(({ of, exceeds, unit, limit }) => {
    const rate = (work: TimedWork) => work[of] / work.seconds;
    const [fastest] = timed.filter((work) => exceeds(work, limits)).toSorted((a, b) => rate(b) - rate(a));
    if (fastest === undefined) return [];
    return [
      `WARNING: ${fastest.name} ran at ${
        formatSi(rate(fastest), unit)
      }, above ${limit}. That limit was measured too low, so ` +
      "no share of it is shown; another program may have kept the device busy. Try again",
    ];
  });
}

function exceedsPeak({ flops, seconds, isRounded }: WorkAndTime, { peak }: MachineLimits): boolean {
  return !isRounded && flops / seconds > peak;
}

function exceedsMemory({ bytes, seconds }: WorkAndTime, { bandwidth }: MachineLimits): boolean {
  return bytes >= BEYOND_CACHES && bytes / seconds > BOTH_WAYS * bandwidth;
}
