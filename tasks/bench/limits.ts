// What a backend's device can do at most, measured: the yardsticks of the other benches.
import type { Backend } from "../../lib/backend/backend.ts";
import { WebGpuBackend } from "../../lib/backend/webgpu.ts";
import type { MachineLimits } from "../../lib/accounting/roofline.ts";
import { defineKernel, type Kernel } from "../../lib/graph/kernel.ts";
import { formatSi } from "../../lib/accounting/units.ts";
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

/** kernels/wgsl/peak_fma.wgsl: the same on a GPU. */
const peakFmaOnGpu: Kernel = defineKernel({
  name: "peak_fma",
  inputs: [],
  outputs: ["result"],
  constants: { iterations: "u32", workgroups: "u32" },
});

/** Enough to fill the largest GPU several times over, and few enough for a CPU that poses as one. */
const GPU_WORKGROUPS = { hardware: 4096, software: 64 };
const GPU_INVOCATIONS = 256;
const GPU_ITERATIONS = 256;
const GPU_FLOPS_PER_ITERATION = 256;

/** A limit is what can be reached at all: other programs' share of the machine does not lower it. */
const fastest = (times: readonly number[]) => Math.min(...times);

/** Measures the limits; takes a few seconds. */
export async function measureLimits(backend: Backend, workers: number): Promise<MachineLimits> {
  const bytes = backend instanceof WebGpuBackend
    ? Math.min(READ_BYTES, backend.adapter.limits.maxStorageBufferBindingSize)
    : READ_BYTES;
  const n = Math.floor(bytes / 4);
  const seconds = await secondsPerCall(backend, {
    kernel: clipGradNormPartials,
    arrays: [n, 64],
    constants: [n, 64],
  }, fastest);
  return {
    ...await measurePeak(backend, workers),
    bandwidth: 4 * n / seconds,
    bandwidthSource: `reading ${Math.round(bytes / 2 ** 20)} MiB`,
  };
}

/** Measures the FLOP/s that a backend's device can do at most; takes a fraction of a second on a CPU. */
export async function measurePeak(
  backend: Backend,
  workers: number,
): Promise<Pick<MachineLimits, "peak" | "peakSource">> {
  if (backend.name === "wasm") {
    const seconds = await secondsPerCall(backend, {
      kernel: peakFma,
      arrays: [MAX_WORKERS],
      constants: [PEAK_ITERATIONS],
    }, fastest);
    const peak = workers * PEAK_ITERATIONS * FLOPS_PER_ITERATION / seconds;
    return { peak, peakSource: "128-bit multiply-adds in registers" };
  }
  const isSoftware = backend instanceof WebGpuBackend && backend.adapter.software;
  const workgroups = isSoftware ? GPU_WORKGROUPS.software : GPU_WORKGROUPS.hardware;
  const seconds = await secondsPerCall(backend, {
    kernel: peakFmaOnGpu,
    arrays: [MAX_WORKERS],
    constants: [GPU_ITERATIONS, workgroups],
  }, fastest);
  const peak = workgroups * GPU_INVOCATIONS * GPU_ITERATIONS * GPU_FLOPS_PER_ITERATION / seconds;
  return { peak, peakSource: "float32 multiply-adds in registers" };
}

/** Workers that `--workers` asks for, or one for each core. */
export function workersOf(flag: number | undefined): number {
  return flag ?? navigator.hardwareConcurrency;
}

/** The limits in one line. */
export function formatLimits({ peak, peakSource, bandwidth, bandwidthSource }: MachineLimits): string {
  return `peak ${formatSi(peak, "FLOP/s")} (${peakSource}); memory ${formatSi(bandwidth, "B/s")} (${bandwidthSource})`;
}
