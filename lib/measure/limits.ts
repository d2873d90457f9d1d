import type { MachineLimits } from "../accounting/roofline.ts";
import type { Backend } from "../backend/backend.ts";
import { defineKernel, type Kernel } from "../graph/kernel.ts";
import { clipGradNormPartials } from "../train/optimizer/clip_grad_norm.ts";
import { type KernelCase, secondsPerCall } from "./kernel_time.ts";
import { fastest, measurePeak } from "./peak.ts";

/** Bytes read to measure the memory bandwidth: several times any cache, and GPU caches have grown to 128 MiB. */
const READ_BYTES = { host: 256 << 20, device: 512 << 20 };

/** Parts that workers share. */
const PARTS = 64;

/** kernels/wgsl/peak_read.wgsl: adds everything up, so that the reads cannot be optimised away. */
const peakRead: Kernel = defineKernel({
  name: "peak_read",
  inputs: ["data"],
  outputs: ["sums"],
  constants: { n: "u32", workgroups: "u32" },
});

/** Enough that every part of the largest GPU always waits for several reads. */
const MAX_WORKGROUPS = 4096;
const GPU_INVOCATIONS = 256;

/** Measures the limits of a backend's device, in FLOP/s and bytes read per second; takes a few seconds. */
export async function measureLimits(backend: Backend): Promise<MachineLimits> {
  return { ...await measurePeak(backend), ...await measureBandwidth(backend) };
}

/** Measures the bytes per second that a backend's device reads from its memory: the fastest of several runs. */
export async function measureBandwidth(
  backend: Backend,
): Promise<Pick<MachineLimits, "bandwidth" | "bandwidthSource">> {
  const { bytes, ...reading } = backend.capabilities.kernels.has(peakRead.name)
    ? readingByWorkgroups(backend)
    : readingByWorkers();
  const seconds = await secondsPerCall(backend, reading, fastest);
  return { bandwidth: bytes / seconds, bandwidthSource: `reading ${Math.round(bytes / 2 ** 20)} MiB` };
}

function readingByWorkgroups({ capabilities }: Backend): KernelCase & { readonly bytes: number } {
  const { onHost, parts, maxArrayBytes = Infinity } = capabilities;
  const n = Math.floor(Math.min(READ_BYTES[onHost ? "host" : "device"], maxArrayBytes) / 16);
  const workgroups = Math.min(parts, MAX_WORKGROUPS);
  return {
    kernel: peakRead,
    arrays: [{ size: 4 * n, dtype: "f32", isZero: true }, workgroups * GPU_INVOCATIONS],
    constants: [n, workgroups],
    bytes: 16 * n,
  };
}

function readingByWorkers(): KernelCase & { readonly bytes: number } {
  const n = READ_BYTES.host / 4;
  return { kernel: clipGradNormPartials, arrays: [n, PARTS], constants: [n, PARTS], bytes: 4 * n };
}
