// The self-test of a GPU, and what is remembered of it.
import type { Backend } from "../../lib/backend/backend.ts";
import type { WebGpuBackend } from "../../lib/backend/webgpu.ts";
import type { Precision } from "../../lib/graph/graph.ts";
import {
  type KernelFault,
  selfTest,
  selfTestFingerprint,
  type SelfTestOptions,
} from "../../lib/self_test/self_test.ts";
import type { KnownDevice } from "./device_cache.ts";
import { hasPassed, notePassed } from "./self_test_cache.ts";

/** Whether the backend passed not long ago; see `testKernels`. */
export function hasPassedSelfTest(backend: WebGpuBackend, precision: Precision): boolean {
  return hasPassed(testedDevice(backend, precision));
}

/** Tries the backend's kernels, and notes it if all are right: starts of other tasks need not try them again. */
export async function testKernels(
  backend: WebGpuBackend,
  oracle: Backend,
  precision: Precision,
): Promise<KernelFault[]> {
  const faults = await selfTest(backend, oracle, optionsFor(backend, precision));
  if (faults.length === 0) notePassed(testedDevice(backend, precision));
  return faults;
}

function testedDevice(backend: WebGpuBackend, precision: Precision): KnownDevice {
  const { description } = backend.adapter;
  const name = precision === "f16" ? `${description} in f16` : description;
  return { name, fingerprint: selfTestFingerprint(backend, optionsFor(backend, precision)) };
}

function optionsFor({ adapter }: WebGpuBackend, precision: Precision): SelfTestOptions {
  return { large: !adapter.software, precision };
}
