// One kernel call, measured beside what the machine allows.
import { exceededLimits, shareOfRoofline } from "../../lib/accounting/limits_exceeded.ts";
import { type MachineLimits, workOf } from "../../lib/accounting/roofline.ts";
import { formatDuration, formatShare, formatSi } from "../../lib/accounting/units.ts";
import type { Backend } from "../../lib/backend/backend.ts";
import { type KernelCase, median, timesPerCall } from "../../lib/measure/kernel_time.ts";

/** A measured call. Rates are those of the median. */
export interface KernelResult {
  readonly kernel: string;
  /** By the names of the kernel's constants. */
  readonly constants: Readonly<Record<string, number>>;
  readonly flops: number;
  /** Each array once: see lib/accounting/roofline.ts. */
  readonly bytes: number;
  readonly seconds: number;
  readonly bestSeconds: number;
  readonly flopsPerSecond: number;
  readonly bytesPerSecond: number;
  /** Of the roofline: 1 is what the arithmetic's peak and the memory's bandwidth allow, and caches allow more. */
  readonly share?: number;
}

/** Measures one call. */
export async function measureKernel(
  backend: Backend,
  limits: MachineLimits,
  kernelCase: KernelCase,
): Promise<KernelResult> {
  const { kernel, arrays, constants } = kernelCase;
  const views = arrays.map((spec) => typeof spec === "number" ? { size: spec } : spec);
  const { flops, bytes } = workOf({ kernel, views, constants });
  const times = await timesPerCall(backend, kernelCase);
  const seconds = median(times);
  return {
    kernel: kernel.name,
    constants: Object.fromEntries(Object.keys(kernel.constants).map((name, i) => [name, constants[i]])),
    flops,
    bytes,
    seconds,
    bestSeconds: Math.min(...times),
    flopsPerSecond: flops / seconds,
    bytesPerSecond: bytes / seconds,
    share: shareOfRoofline({ flops, bytes, seconds }, limits),
  };
}

/** Tells of limits that these results show to be wrong, on stderr. */
export function warnOfExceededLimits(results: readonly KernelResult[], limits: MachineLimits): void {
  const timed = results.map(({ kernel, flops, bytes, seconds }) => ({ name: kernel, flops, bytes, seconds }));
  for (const line of exceededLimits(timed, limits)) console.error(line);
}

/** Titles of the cells that `formatRates` makes. */
export const RATE_TITLES = ["time", "best", "FLOP/s", "B/s", "of roofline"] as const;

/** A result's numbers as cells of a table. */
export function formatRates(result: KernelResult): string[] {
  return [
    formatDuration(result.seconds),
    formatDuration(result.bestSeconds),
    formatSi(result.flopsPerSecond, "FLOP/s"),
    formatSi(result.bytesPerSecond, "B/s"),
    formatShare(result.share),
  ];
}
