import type { MachineLimits } from "../accounting/roofline.ts";
import type { Backend } from "../backend/backend.ts";
import { WebGpuBackend } from "../backend/webgpu.ts";
import { clipGradNormPartials } from "../train/clip_grad_norm.ts";
import { secondsPerCall } from "./kernel_time.ts";
import { fastest, measurePeak } from "./peak.ts";

/** Bytes read to find the memory's bandwidth: several times any cache. */
const READ_BYTES = 256 << 20;

/** Measures what a backend's device can do at most: FLOP/s, and bytes read per second; takes a few seconds. */
export async function measureLimits(backend: Backend): Promise<MachineLimits> {
  return { ...await measurePeak(backend), ...await measureBandwidth(backend) };
}

/** Measures the bytes per second that a backend's device reads from its memory: the fastest of several runs. */
export async function measureBandwidth(
  backend: Backend,
): Promise<Pick<MachineLimits, "bandwidth" | "bandwidthSource">> {
  const bytes = backend instanceof WebGpuBackend
    ? Math.min(READ_BYTES, backend.adapter.limits.maxStorageBufferBindingSize)
    : READ_BYTES;
  const n = Math.floor(bytes / 4);
  const seconds = await secondsPerCall(backend, {
    kernel: clipGradNormPartials,
    arrays: [n, 64],
    constants: [n, 64],
  }, fastest);
  return { bandwidth: 4 * n / seconds, bandwidthSource: `reading ${Math.round(bytes / 2 ** 20)} MiB` };
}
