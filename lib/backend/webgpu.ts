import type { Program } from "../graph/program.ts";
import type { Storage, View } from "../graph/tensor.ts";
import type { Backend, Executable, HostArray } from "./backend.ts";
import {
  type AdapterSummary,
  findAdapter,
  missingAdapterMessage,
  requestDevice,
  summarizeAdapter,
  traitsOf,
} from "./webgpu/adapter.ts";
import { type DeviceParts, WebGpuExecutable } from "./webgpu/executable.ts";
import { Failures } from "./webgpu/failures.ts";
import { Memory } from "./webgpu/memory.ts";
import { Pipelines } from "./webgpu/pipelines.ts";

/** How the WebGPU backend is made. */
export interface WebGpuOptions {
  /** Take a software adapter (a CPU that poses as a GPU) if there is nothing better; true by default. */
  readonly allowSoftware?: boolean;
  /** Use the kernels that a real GPU would get, even on a software adapter: for tests of those kernels. */
  readonly kernelsForHardware?: boolean;
}

/** Runs programs on a GPU through `navigator.gpu`. */
export class WebGpuBackend implements Backend {
  readonly name = "webgpu";
  readonly adapter: AdapterSummary;
  readonly #parts: DeviceParts;

  /** Use `createWebGpuBackend`. */
  constructor(adapter: AdapterSummary, parts: DeviceParts) {
    this.adapter = adapter;
    this.#parts = parts;
  }

  get description(): string {
    return this.adapter.software ? `${this.adapter.description}, on the CPU` : this.adapter.description;
  }

  async load(program: Program): Promise<Executable> {
    const { memory, failures } = this.#parts;
    failures.throwIfFailed();
    await memory.allocate(program.storages);
    const executable = await WebGpuExecutable.load(this.#parts, program);
    await failures.settle();
    return executable;
  }

  write(view: View, data: HostArray): void {
    const { memory, failures } = this.#parts;
    failures.throwIfFailed();
    failures.watch(`a write to "${view.storage.name}"`, () => memory.write(view, data));
  }

  async read(view: View): Promise<HostArray> {
    const { memory, failures } = this.#parts;
    await failures.settle();
    try {
      return await memory.read(view);
    } finally {
      // Where the device failed, its reason says more than that of the read.
      await failures.settle();
    }
  }

  release(storage: Storage): void {
    this.#parts.memory.release(storage);
  }

  [Symbol.asyncDispose](): Promise<void> {
    const { device, memory, failures } = this.#parts;
    failures.close();
    memory.dispose();
    device.destroy();
    return Promise.resolve();
  }
}

/**
 * Makes the WebGPU backend on this machine's adapter.
 *
 * @throws {Error} If there is no adapter, or only a software adapter and `allowSoftware` is false.
 */
export async function createWebGpuBackend(options: WebGpuOptions = {}): Promise<WebGpuBackend> {
  const adapter = await findAdapter();
  if (adapter === undefined) throw new Error(missingAdapterMessage());
  const summary = summarizeAdapter(adapter);
  if (summary.software && options.allowSoftware === false) {
    throw new Error(`Cannot use WebGPU: got the software adapter ${summary.description}, must be a GPU`);
  }
  const device = await requestDevice(adapter);
  return new WebGpuBackend(summary, {
    device,
    traits: traitsOf(device, summary.software && !options.kernelsForHardware),
    memory: new Memory(device),
    pipelines: new Pipelines(device),
    failures: new Failures(device),
  });
}
