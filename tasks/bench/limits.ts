// What a backend's device can do at most, measured: the yardsticks of the other benches.
import type { Backend } from "../../lib/backend/backend.ts";
import type { MachineLimits } from "../../lib/accounting/roofline.ts";
import { defineKernel, type Kernel } from "../../lib/graph/kernel.ts";
import { formatSi } from "../../lib/accounting/units.ts";
import { linearForward } from "../../lib/ops/linear.ts";
import { clipGradNormPartials } from "../../lib/train/clip_grad_norm.ts";
import { secondsPerCall } from "./measure.ts";

/** kernels/simd/peak.ts: multiply-adds in registers alone. */
const peakFma: Kernel = defineKernel({
  name: "peak_fma",
  inputs: [],
  outputs: ["result"],
  constants: { iterations: "u32" },
});

const PEAK_ITERATIONS = 1 << 20;
const FLOPS_PER_ITERATION = 96;
const MAX_WORKERS = 4096;

/** Bytes read to find the memory's bandwidth: several times any cache. */
const READ_BYTES = 256 << 20;

/** Where a device has no kernel that stays in registers, a matrix product of this size stands in for its peak. */
const PRODUCT_SIZE = 2048;

/** A limit is what can be reached at all: other programs' share of the machine does not lower it. */
const fastest = (times: readonly number[]) => Math.min(...times);

/** Measures the limits; takes a few seconds. */
export async function measureLimits(backend: Backend, workers: number): Promise<MachineLimits> {
  const n = READ_BYTES / 4;
  const seconds = await secondsPerCall(backend, {
    kernel: clipGradNormPartials,
    arrays: [n, 64],
    constants: [n, 64],
  }, fastest);
  return {
    ...await measurePeak(backend, workers),
    bandwidth: READ_BYTES / seconds,
    bandwidthSource: "reading 256 MiB",
  };
}

async function measurePeak(backend: Backend, workers: number): Promise<Pick<MachineLimits, "peak" | "peakSource">> {
  if (backend.name === "wasm") {
    const seconds = await secondsPerCall(backend, {
      kernel: peakFma,
      arrays: [MAX_WORKERS],
      constants: [PEAK_ITERATIONS],
    }, fastest);
    const peak = workers * PEAK_ITERATIONS * FLOPS_PER_ITERATION / seconds;
    return { peak, peakSource: "128-bit multiply-adds in registers" };
  }
  const N = PRODUCT_SIZE;
  const seconds = await secondsPerCall(backend, {
    kernel: linearForward,
    arrays: [N * N, N * N, N * N],
    constants: [N, N, N],
  }, fastest);
  return { peak: 2 * N ** 3 / seconds, peakSource: `its matrix product of ${N}³, the best it is seen to do` };
}

/** Workers that `--workers` asks for, or one for each core. */
export function workersOf(flag: number | undefined): number {
  return flag ?? navigator.hardwareConcurrency;
}

/** The limits in one line. */
export function formatLimits({ peak, peakSource, bandwidth, bandwidthSource }: MachineLimits): string {
  return `peak ${formatSi(peak, "FLOP/s")} (${peakSource}); memory ${formatSi(bandwidth, "B/s")} (${bandwidthSource})`;
}
