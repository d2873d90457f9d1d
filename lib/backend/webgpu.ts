import type { DeviceTraits, WgslKernel } from "../../kernels/wgsl/dispatch.ts";
import type { RatedMatrixTile } from "../../kernels/wgsl/matmul/matmul_subgroup_tile.ts";
import type { RatedTile } from "../../kernels/wgsl/matmul/matmul_tile.ts";
import { wgslKernels } from "../../kernels/wgsl/mod.ts";
import type { SubgroupMatrices } from "../../kernels/wgsl/matmul/subgroup_matrix.ts";
import { type Program, wholeOf } from "../graph/program.ts";
import type { DeviceStorage, View } from "../graph/tensor.ts";
import type { Backend, Executable, HostArray } from "./backend.ts";
import type { Capabilities } from "./capabilities.ts";
import { requirePrecision } from "./precision.ts";
import {
  type AdapterSummary,
  findAdapter,
  type GpuSource,
  missingAdapterMessage,
  requestDevice,
  summarizeAdapter,
  traitsOf,
} from "./webgpu/adapter.ts";
import { Clock } from "./webgpu/clock.ts";
import { WebGpuExecutable } from "./webgpu/executable.ts";
import { Failures } from "./webgpu/failures.ts";
import { GpuError } from "./webgpu/gpu_error.ts";
import { matricesOf } from "./webgpu/matrices.ts";
import { Memory } from "./webgpu/memory.ts";
import { Pace } from "./webgpu/pace.ts";
import { Pipelines } from "./webgpu/pipelines.ts";
import { planDispatches, type PlannedDispatch } from "./webgpu/plan_dispatches.ts";
import { bindSteps, type DeviceParts } from "./webgpu/steps.ts";

/** What a read-back costs: Deno's `mapAsync` on an H100. */
const READ_BACK_MS = 11;

/** Rows that the kernel for few rows is best at. All counts up to there are summed in one order, or in two: one, and several. */
const MAX_LANES = 4;

/** Workgroups: so many that the largest GPU's parts end at about the same time, and few for a CPU that poses as a GPU. */
const PARTS = { hardware: 16_384, software: 64 };

/** Options for `createWebGpuBackend`. */
export interface WebGpuOptions {
  /** Whether to accept a software adapter (a CPU that poses as a GPU) if there is nothing better. Default: true. */
  readonly allowSoftware?: boolean;
  /** Whether to use a real GPU's kernels even on a software adapter: for tests of those kernels. */
  readonly kernelsForHardware?: boolean;
  /** Another implementation of WebGPU than the runtime's own, which is `navigator.gpu`. */
  readonly gpu?: GpuSource;
  /** Runs these kernels, by name, in another way: to test and measure variants. */
  readonly kernels?: ReadonlyMap<string, WgslKernel>;
}

/** Runs programs on a GPU through WebGPU. */
export class WebGpuBackend implements Backend {
  readonly name = "webgpu";
  readonly capabilities: Capabilities;
  readonly adapter: AdapterSummary;
  /** For what this interface does not offer. If you destroy it, the backend is useless. */
  readonly device: GPUDevice;
  #traits: DeviceTraits;
  readonly #kernels: ReadonlyMap<string, WgslKernel>;
  readonly #parts: DeviceParts;
  readonly #pace = new Pace();
  readonly #clock: Clock | undefined;
  readonly #loaded = new Set<WebGpuExecutable>();
  /** Programs on the way to the device. */
  readonly #loading = new Set<Program>();

  /** Use `createWebGpuBackend`. */
  constructor(adapter: AdapterSummary, device: GPUDevice, options: WebGpuOptions, matrices?: SubgroupMatrices) {
    this.adapter = adapter;
    this.device = device;
    this.#traits = traitsOf(device, adapter.software && !options.kernelsForHardware, matrices);
    this.#kernels = new Map([...wgslKernels, ...options.kernels ?? []]);
    this.capabilities = {
      precisions: this.hasF16 ? ["f32", "f16"] : ["f32"],
      kernels: new Set(this.#kernels.keys()),
      readBackMs: READ_BACK_MS,
      maxLanes: MAX_LANES,
      parts: PARTS[this.traits.software ? "software" : "hardware"],
      onHost: adapter.software,
      maxArrayBytes: Math.min(adapter.limits.maxBufferSize, adapter.limits.maxStorageBufferBindingSize),
    };
    this.#parts = {
      device,
      memory: new Memory(device),
      pipelines: new Pipelines(device),
      failures: new Failures(device),
    };
    this.#clock = device.features.has("timestamp-query") ? new Clock() : undefined;
  }

  /** What decides which kernels are used. */
  get traits(): DeviceTraits {
    return this.#traits;
  }

  /**
   * Chooses the tiles of matrix products by how fast this device is with each, for programs that are loaded from now
   * on.
   * @param tiles As `measureTileRates` finds them; by default, those measured on another GPU.
   */
  useTiles(tiles: readonly RatedTile[] | undefined): void {
    this.#traits = { ...this.#traits, tiles };
  }

  /** The same for products on subgroup matrices. */
  useMatrixTiles(matrixTiles: readonly RatedMatrixTile[] | undefined): void {
    this.#traits = { ...this.#traits, matrixTiles };
  }

  get hasF16(): boolean {
    return this.device.features.has("shader-f16");
  }

  get bytesInUse(): number {
    const params = this.#loaded.values().reduce((sum, { bound }) => sum + bound.params.size, 0);
    return this.#parts.memory.bytesInUse + params;
  }

  get description(): string {
    return this.adapter.software ? `${this.adapter.description}, on the CPU` : this.adapter.description;
  }

  /** A program as it runs on this device: the sources of its kernels, and how they are dispatched. */
  dispatchesOf(program: Program): readonly PlannedDispatch[] {
    return planDispatches(program, this.#kernels, this.traits, this.device.limits).dispatches;
  }

  async load(program: Program): Promise<Executable> {
    const { device, memory, failures } = this.#parts;
    failures.throwIfFailed();
    const isHalf = program.calls.some(({ views }) => views.some(({ dtype }) => dtype === "f16"));
    requirePrecision(this, isHalf ? "f16" : "f32");
    for (const { kernel } of program.calls) if (kernel.rounds !== undefined) requirePrecision(this, kernel.rounds);
    const { dispatches, scratchBytes } = planDispatches(program, this.#kernels, this.traits, device.limits);
    const made = memory.missing(program.storages);
    this.#loading.add(program);
    let executable: WebGpuExecutable | undefined;
    try {
      await memory.allocate(program.storages);
      for (const storage of made) {
        const contents = storage.contents?.();
        if (contents) this.write(wholeOf(storage, contents instanceof Uint32Array ? "u32" : "f32"), contents);
      }
      const compiled = await Promise.all(dispatches.map((dispatch) => this.#parts.pipelines.compile(dispatch)));
      const bound = bindSteps(this.#parts, dispatches, compiled, await memory.scratch(scratchBytes));
      executable = new WebGpuExecutable(this.#parts, this.#pace, this.#clock, program, bound);
      await failures.settle();
      this.#loaded.add(executable);
      return executable;
    } catch (error) {
      executable?.release();
      this.#loading.delete(program);
      const others = [...this.#loading, ...this.#loaded.values().map((loaded) => loaded.program)];
      for (const storage of made) {
        if (!others.some(({ storages }) => storages.includes(storage))) memory.release(storage);
      }
      throw error;
    } finally {
      this.#loading.delete(program);
      this.#freeScratch();
    }
  }

  /** Frees the scratch memory that no program uses any more. */
  #freeScratch(): void {
    // A program that is being loaded may have some already.
    if (this.#loading.size > 0) return;
    this.#parts.memory.keepScratch(new Set(this.#loaded.values().map(({ bound }) => bound.scratch)));
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
      const drained = this.#pace.draining();
      const data = await memory.read(view);
      drained();
      return data;
    } finally {
      // If the device failed, its reason tells more than the read's.
      await failures.settle();
    }
  }

  release(storage: DeviceStorage): void {
    this.#parts.memory.release(storage);
    for (const executable of this.#loaded) {
      if (!executable.program.storages.includes(storage)) continue;
      this.#loaded.delete(executable);
      executable.release();
    }
    this.#freeScratch();
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
  const { adapter, missing } = await findAdapter(options.gpu);
  if (adapter === undefined) throw new GpuError(missingAdapterMessage(missing));
  const summary = summarizeAdapter(adapter);
  if (summary.software && options.allowSoftware === false) {
    throw new GpuError(`Cannot use WebGPU: got the software adapter ${summary.description}, must be a GPU`);
  }
  const device = await requestDevice(adapter);
  return new WebGpuBackend(summary, device, options, await matricesOf(adapter, device));
}
