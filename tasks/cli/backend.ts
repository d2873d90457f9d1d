// Starting a backend for a person: what they should know of it goes to stderr, and a GPU must compute what it should.
import type { Backend } from "../../lib/backend/backend.ts";
import { type BackendChoice, createBackend, type CreateBackendOptions } from "../../lib/backend/select.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { WebGpuBackend } from "../../lib/backend/webgpu.ts";
import { GpuError } from "../../lib/backend/webgpu/gpu_error.ts";
import { type KernelFault, selfTest } from "../../lib/train/self_test.ts";
import { hasPassed, notePassed } from "./self_test_cache.ts";

/**
 * Starts the backend that a person asked for. Warns, once, of a GPU that is none. A GPU runs the self-test first, unless it
 * passed not long ago; if it fails, `auto` falls back to wasm, with a warning.
 *
 * @throws {GpuError} If `webgpu` is asked for and there is none, or it computes wrong results.
 */
export async function startBackend(choice: BackendChoice, options: CreateBackendOptions = {}): Promise<Backend> {
  quietVulkanLoader();
  const backend = await createBackend(choice, options);
  if (!(backend instanceof WebGpuBackend)) return backend;
  try {
    if (backend.adapter.software) {
      console.error(
        `WARNING: ${backend.description} is not a GPU but a program that imitates one. ` +
          "Everything will be slow; --backend wasm is several times faster on this machine.",
      );
    }
    const faults = await faultsOf(backend);
    if (faults.length === 0) return backend;
    const problem = faultMessage(backend, faults);
    if (choice !== "auto") throw new GpuError(problem);
    console.error(`WARNING: ${problem}`);
  } catch (error) {
    await backend[Symbol.asyncDispose]();
    throw error;
  }
  await backend[Symbol.asyncDispose]();
  return await createWasmBackend(options);
}

async function faultsOf(backend: WebGpuBackend): Promise<KernelFault[]> {
  const { description, software } = backend.adapter;
  if (await hasPassed(description)) return [];
  await using oracle = await createWasmBackend();
  const faults = await selfTest(backend, oracle, { large: !software });
  if (faults.length === 0) await notePassed(description);
  return faults;
}

/** What a person needs to know of an adapter that computes wrong results. */
export function faultMessage({ adapter }: WebGpuBackend, faults: readonly KernelFault[]): string {
  const kernels = [...new Set(faults.map(({ kernel }) => kernel))];
  return `Cannot compute on ${adapter.description}: got wrong results from ${kernels.join(", ")}, must be the CPU's. ` +
    `${faults[0].kernel}, ${faults[0].detail}. Update the GPU's driver, or use --backend wasm`;
}

/** Mesa's window system code complains on stderr when this variable is missing, though nothing here opens a window. */
export function quietVulkanLoader(): void {
  const name = "XDG_RUNTIME_DIR";
  if (Deno.build.os !== "linux" || Deno.permissions.querySync({ name: "env", variable: name }).state !== "granted") {
    return;
  }
  if (!Deno.env.has(name)) Deno.env.set(name, "/tmp");
}
