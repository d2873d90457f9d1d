/**
 * Where programs run: WebGPU, or WebAssembly on the processor's cores.
 *
 * @module
 */
export type { Backend, Executable, HostArray } from "./backend.ts";
export type { Capabilities } from "./capabilities.ts";
export { type BackendChoice, chooseBackend, createBackend, type CreateBackendOptions } from "./select.ts";
export type { GpuSource } from "./webgpu/adapter.ts";
