import type { Backend } from "../../lib/backend/backend.ts";

/**
 * Most workgroups along one dimension of a dispatch. Small, so that arrays of ordinary size need several rows of them, as
 * large ones do on any device; and large enough that its square covers the longest array in the tests.
 */
export const WORKGROUPS_ACROSS = 257;

/**
 * Opens a WebGPU backend on a device that seems to allow few workgroups along a dimension, so that each kernel's way of
 * finding its place in a folded dispatch is tested without arrays of 65,536 workgroups.
 */
export async function withSmallDispatches(open: () => Promise<Backend>): Promise<Backend> {
  const original = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (descriptor) {
    const device = await original.call(this, descriptor);
    const limits = new Proxy(device.limits, {
      get: (target, name) =>
        name === "maxComputeWorkgroupsPerDimension" ? WORKGROUPS_ACROSS : Reflect.get(target, name, target),
    });
    return Object.defineProperty(device, "limits", { value: limits });
  };
  try {
    return await open();
  } finally {
    GPUAdapter.prototype.requestDevice = original;
  }
}
