import type { Backend } from "../backend/backend.ts";
import type { MachineLimits } from "../accounting/roofline.ts";
import { formatSi } from "../accounting/units.ts";
import { defineKernel, type Kernel } from "../graph/kernel.ts";
import { secondsPerCall } from "./kernel_time.ts";

/** A device's peak in FLOP/s, and how it was measured, in words. */
export type MeasuredPeak = Pick<MachineLimits, "peak" | "peakSource">;

/** kernels/simd/peak.ts, or kernels/native/peak.ts: multiply-adds in registers alone. */
const peakFma: Kernel = defineKernel({
  name: "peak_fma",
  inputs: [],
  outputs: ["result"],
  constants: { iterations: "u32" },
});

const PEAK_ITERATIONS = 1 << 20;
const FLOPS_PER_ITERATION = 96;

/** kernels/wgsl/peak_fma_workgroups.wgsl: the same for the workgroups of a GPU. */
const peakFmaWorkgroups: Kernel = defineKernel({
  name: "peak_fma_workgroups",
  inputs: [],
  outputs: ["result"],
  constants: { iterations: "u32", workgroups: "u32" },
});

const GPU_INVOCATIONS = 256;
const GPU_ITERATIONS = 32;
const GPU_FLOPS_PER_ITERATION = 512;

/** The fastest of the runs: a limit is what can be reached at all, whatever other programs take. */
export const fastest = (times: readonly number[]): number => Math.min(...times);

/**
 * Measures the peak FLOP/s of a backend's device: the fastest of several runs, in a fraction of a second. Programs that
 * keep all cores busy that long lower it: see `Peak`.
 */
export async function measurePeak(backend: Backend): Promise<MeasuredPeak> {
  const { kernels, parts, vectorBits = 128 } = backend.capabilities;
  if (!kernels.has(peakFmaWorkgroups.name)) {
    const seconds = await secondsPerCall(backend, {
      kernel: peakFma,
      arrays: [parts],
      constants: [PEAK_ITERATIONS],
    }, fastest);
    const peak = parts * PEAK_ITERATIONS * FLOPS_PER_ITERATION / seconds;
    return { peak, peakSource: `${vectorBits}-bit multiply-adds in registers` };
  }
  const seconds = await secondsPerCall(backend, {
    kernel: peakFmaWorkgroups,
    arrays: [parts * GPU_INVOCATIONS],
    constants: [GPU_ITERATIONS, parts],
  }, fastest);
  const peak = parts * GPU_INVOCATIONS * GPU_ITERATIONS * GPU_FLOPS_PER_ITERATION / seconds;
  return { peak, peakSource: "float32 multiply-adds in registers" };
}

/**
 * A device's peak, as far as it is known: the best measurement, or a run that was faster than all of them. A peak that
 * was measured while other programs were running is too low, and no share of it may exceed one.
 */
export class Peak {
  #measured: MeasuredPeak;
  #reached = 0;

  /** Starts with one measurement; see {@linkcode measurePeak}. */
  constructor(measured: MeasuredPeak) {
    this.#measured = measured;
  }

  /** Adds another measurement. */
  measure(measured: MeasuredPeak): void {
    if (measured.peak > this.#measured.peak) this.#measured = measured;
  }

  /** Adds a run's FLOP/s, and returns its share of the peak, at most 1. */
  share(flopsPerSecond: number): number {
    if (flopsPerSecond > this.#reached && Number.isFinite(flopsPerSecond)) this.#reached = flopsPerSecond;
    return flopsPerSecond / this.flopsPerSecond;
  }

  /** The peak in FLOP/s, as far as it is known. */
  get flopsPerSecond(): number {
    return Math.max(this.#measured.peak, this.#reached);
  }

  /** How it is known, in words. */
  get source(): string {
    const { peak, peakSource } = this.#measured;
    return this.#reached <= peak
      ? peakSource
      : `the fastest steps, since only ${formatSi(peak, "FLOP/s")} were measured with ${peakSource}`;
  }
}
