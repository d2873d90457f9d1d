/**
 * Where programs run: WebGPU, or the processor's cores, by machine code or by WebAssembly.
 *
 * @module
 */
export type { Backend, Executable, HostArray } from "./backend.ts";
export type { Capabilities } from "./capabilities.ts";
export { type BackendChoice, chooseBackend, createBackend, type CreateBackendOptions } from "./select.ts";
export type { GpuSource } from "./webgpu/adapter.ts";
