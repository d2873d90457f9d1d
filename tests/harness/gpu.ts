import type { Backend } from "../../lib/backend/backend.ts";
import { createWebGpuBackend } from "../../lib/backend/webgpu.ts";
import { findAdapter, summarizeAdapter } from "../../lib/backend/webgpu/adapter.ts";

/** With this set to 1, a missing adapter is a failure: where an adapter is known to be, no GPU test may go missing. */
const REQUIRE_GPU = "BYTELM_REQUIRE_GPU";

const isRequired = Deno.env.get(REQUIRE_GPU) === "1";
const { adapter, missing } = await findAdapter();

/** Why this machine runs no GPU test; undefined where it does, and where a missing adapter must show as a failure. */
export const missingGpu: string | undefined = adapter || isRequired ? undefined : `no WebGPU adapter ${missing}`;

/** Whether the adapter is a CPU that poses as a GPU. */
export const isSoftware: boolean = adapter !== undefined && summarizeAdapter(adapter).software;

/** Why this machine runs no test in f16: SwiftShader, for one, does not know it. */
const missingHalf: string | undefined = missingGpu ??
  (adapter?.features.has("shader-f16") || isRequired ? undefined : "the adapter has no shader-f16");

// Tests open one device at a time: with several, llvmpipe has been seen to abort now and then, at exit with a cold shader
// cache above all. The cause is not proven; a race in LLVM, which llvmpipe compiles with, would fit
// (llvm/llvm-project#105547).

/** A backend with the kernels that suit the adapter at hand. */
export function openGpu(): Promise<Backend> {
  return createWebGpuBackend();
}

/** Registers a test that needs an adapter; without one it counts as ignored, and its name says why. */
export function gpuTest(name: string, fn: (t: Deno.TestContext) => Promise<void>): void {
  register(name, missingGpu, fn);
}

/** Registers a test that needs an adapter with f16; without one it counts as ignored, and its name says why. */
export function halfTest(name: string, fn: (t: Deno.TestContext) => Promise<void>): void {
  register(name, missingHalf, fn);
}

function register(name: string, missing: string | undefined, fn: (t: Deno.TestContext) => Promise<void>): void {
  Deno.test({ name: missing ? `${name} [${missing}]` : name, ignore: missing !== undefined, fn });
}
