import { option, say, UserError } from "../errors.ts";
import { requireHostData } from "../graph/host_data.ts";
import { type Program, type ProgramCall, wholeOf } from "../graph/program.ts";
import type { DeviceStorage, View } from "../graph/tensor.ts";
import type { Backend, Executable, HostArray } from "./backend.ts";
import type { Capabilities } from "./capabilities.ts";
import { requirePrecision } from "./precision.ts";
import {
  counterBytes,
  type EncodedCall,
  encodeProgram,
  HEAP_START,
  MAX_PAGES,
  PAGE_BYTES,
  SCRATCH_BYTES,
} from "./wasm/layout.ts";
import { compileModule, instantiate, kernelNames } from "./wasm/module.ts";
import type { OtherKernels } from "./wasm/other_kernels.ts";
import { WorkerPool } from "./wasm/pool.ts";
import { schedule } from "./wasm/schedule.ts";
import { type WasmBackendOptions, workerCount } from "./wasm/workers.ts";

/** Rows that the kernel for few rows is best at. All counts up to there are summed in one order, or in two: one, and several. */
const MAX_LANES = 12;

/**
 * Starts a backend on the CPU: SIMD kernels in WebAssembly, run by several workers on one shared memory.
 * @throws {RangeError} If `workers` is not a whole number from 1 to 256.
 */
export async function createWasmBackend(options: WasmBackendOptions = {}): Promise<Backend> {
  const workers = workerCount("wasm", options);
  const module = await compileModule();
  return new WasmBackend(module, await WorkerPool.start(module, { workers }), workers);
}

/** The backend on the CPU: make one with `createWasmBackend`, or `createNativeBackend`. */
export class WasmBackend implements Backend {
  readonly name: string;
  readonly description: string;
  readonly capabilities: Capabilities;
  readonly #pool: WorkerPool;
  readonly #others: OtherKernels | undefined;
  /** How many workers share the work. */
  readonly workers: number;
  /** Index among the module's functions, and number of parameters, by kernel. */
  readonly #kernels: ReadonlyMap<string, { readonly index: number; readonly parameters: number }>;
  readonly #addresses = new Map<DeviceStorage, number>();
  readonly #executables = new Set<WasmExecutable>();
  #programs = 0;
  #running: Promise<void> | undefined;
  #disposed = false;

  /** @param others Disposed of with the backend. */
  constructor(module: WebAssembly.Module, pool: WorkerPool, workers: number, others?: OtherKernels) {
    this.#pool = pool;
    this.#others = others;
    this.workers = workers;
    this.name = others?.name ?? "wasm";
    const kernels = others?.description ?? "WebAssembly SIMD";
    this.description = `${kernels}, ${workers} ${workers === 1 ? "worker" : "workers"}`;
    const functions = instantiate(module, pool.memory);
    this.#kernels = new Map(
      kernelNames(module).map((name, index) => [name, { index, parameters: functions[index].length }]),
    );
    this.capabilities = {
      precisions: ["f32", ...others?.precisions ?? []],
      kernels: new Set([...this.#kernels.keys(), ...others?.added ?? []]),
      readBackMs: 0,
      maxLanes: MAX_LANES,
      parts: workers,
      onHost: true,
      vectorBits: others?.vectorBits ?? 128,
    };
  }

  get totalBytes(): number {
    return MAX_PAGES * PAGE_BYTES - HEAP_START - this.workers * SCRATCH_BYTES;
  }

  get bytesInUse(): number {
    return this.#pool.allocator.usedBytes;
  }

  // deno-lint-ignore require-await -- async, so that errors reject.
  async load(program: Program): Promise<Executable> {
    this.#requireAlive();
    const { allocator } = this.#pool;
    const missing = program.storages.filter((storage) => !this.#addresses.has(storage));
    let memory: ProgramMemory;
    try {
      for (const storage of missing) {
        this.#addresses.set(storage, allocator.allocate(storage.bytes, `storage "${storage.name}"`));
        const contents = storage.contents?.();
        if (contents) this.#array(wholeOf(storage, contents instanceof Uint32Array ? "u32" : "f32")).set(contents);
      }
      memory = this.#store(program);
    } catch (error) {
      for (const storage of missing) this.#free(storage);
      throw error;
    }
    const executable: WasmExecutable = new WasmExecutable(program, memory, {
      run: () => this.#run(executable, 0),
      profile: () => this.#profile(executable),
    });
    this.#executables.add(executable);
    return executable;
  }

  /** Puts the list of calls into memory, behind their counters. */
  #store(program: Program): ProgramMemory {
    const { allocator, memory } = this.#pool;
    const steps = schedule(program.calls);
    // A single worker does everything itself, and counts nothing.
    const bytesOfCall = this.workers > 1 ? counterBytes(this.workers) : 0;
    const bytes = bytesOfCall * steps.length;
    this.#programs++;
    const encode = (start: number) => {
      const calls = program.calls.map((call, i): EncodedCall => {
        const { kernel, args } = this.#encode(call);
        const counters = bytesOfCall > 0 ? start + i * bytesOfCall : 0;
        return { ...steps[i], kernel, counters, args: [...args, steps[i].alone ? 0 : counters] };
      });
      return encodeProgram(this.#programs, calls);
    };
    const listBytes = encode(0).length * Float64Array.BYTES_PER_ELEMENT;
    const start = allocator.allocate(bytes + listBytes, "a program's list of calls");
    new Float64Array(memory.buffer, start + bytes).set(encode(start));
    return { start, counterBytes: bytes, list: start + bytes };
  }

  #encode(call: ProgramCall): { readonly kernel: number; readonly args: readonly number[] } {
    const { kernel, views, constants } = call;
    if (views.some(({ dtype }) => dtype === "f16")) {
      throw new UserError(
        say`Cannot load kernel ${kernel.name}: got an array of f16, must be f32 on ${this.name}. Use ${
          option("dtype", "f32")
        }, or ${option("backend", "webgpu")}`,
      );
    }
    if (kernel.rounds !== undefined) requirePrecision(this, kernel.rounds);
    const addresses = views.map((view) => this.#addressOf(view));
    const other = this.#others?.encode(call, addresses);
    if (other !== undefined) return { kernel: this.#kernels.size + other.kernel, args: other.args };
    const known = this.#kernels.get(kernel.name);
    const args = [...addresses, ...constants];
    // Each kernel takes the address of its call's counters as well.
    if (known?.parameters !== args.length + 1) {
      const got = known === undefined ? "none of this name" : `one of ${known.parameters} parameters`;
      throw new Error(
        `Cannot load kernel ${kernel.name}: got ${got} in the wasm module, must be one of ${args.length + 1}. ` +
          "Build kernels/simd again",
      );
    }
    return { kernel: known.index, args };
  }

  /** @param notes Where to note the times of the calls, or 0: see layout.ts. */
  async #run(executable: WasmExecutable, notes: number): Promise<void> {
    this.#requireAlive();
    if (this.#running) throw new Error("Cannot run a program: another is running; await it first");
    if (!this.#executables.has(executable)) {
      throw new Error("Cannot run a program: a storage that it uses was released; load it again");
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#running = promise;
    try {
      const { start, counterBytes, list } = executable.memory;
      new Uint8Array(this.#pool.memory.buffer, start, counterBytes).fill(0);
      const failure = await this.#pool.run(list, notes);
      if (failure !== undefined) {
        const { name } = executable.program.calls[failure.call].kernel;
        throw new Error(`Kernel ${name} (call ${failure.call}) failed on worker ${failure.worker}: ${failure.message}`);
      }
    } finally {
      this.#running = undefined;
      resolve();
    }
  }

  async #profile(executable: WasmExecutable): Promise<Float64Array<ArrayBuffer>> {
    this.#requireAlive();
    const { allocator, memory } = this.#pool;
    const times = executable.program.calls.length + 1;
    const notes = allocator.allocate(times * Float64Array.BYTES_PER_ELEMENT, "a profile");
    try {
      await this.#run(executable, notes);
      const ends = new Float64Array(memory.buffer, notes, times);
      return Float64Array.from(ends.subarray(1), (end, i) => (end - ends[i]) / 1000);
    } finally {
      allocator.free(notes);
    }
  }

  write(view: View, data: HostArray): void {
    this.#requireAlive();
    if (this.#running) throw new Error(`Cannot write to "${view.storage.name}": a program is running; await it first`);
    requireHostData(view, data);
    this.#array(view).set(data);
  }

  async read(view: View): Promise<HostArray> {
    this.#requireAlive();
    while (this.#running) await this.#running;
    const shared = this.#array(view);
    const copy = view.dtype === "f32" ? new Float32Array(view.size) : new Uint32Array(view.size);
    copy.set(shared);
    return copy;
  }

  release(storage: DeviceStorage): void {
    // Everything has been freed by then.
    if (this.#disposed) return;
    if (this.#running) throw new Error(`Cannot release "${storage.name}": a program is running; await it first`);
    this.#free(storage);
    for (const executable of this.#executables) {
      if (!executable.program.storages.includes(storage)) continue;
      this.#executables.delete(executable);
      this.#pool.allocator.free(executable.memory.start);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    while (this.#running) await this.#running;
    await this.#pool.stop();
    // A worker that was given up may still be in its code, for good.
    if (!this.#pool.isLost) this.#others?.[Symbol.dispose]();
  }

  #free(storage: DeviceStorage): void {
    const address = this.#addresses.get(storage);
    if (address === undefined) return;
    this.#addresses.delete(storage);
    this.#pool.allocator.free(address);
  }

  #array(view: View): Float32Array | Uint32Array {
    // The buffer is replaced whenever the memory grows, so no array is kept.
    const { buffer } = this.#pool.memory;
    const address = this.#addressOf(view);
    return view.dtype === "f32"
      ? new Float32Array(buffer, address, view.size)
      : new Uint32Array(buffer, address, view.size);
  }

  /** @throws {RangeError} If the view's storage is not loaded, or too small for it. */
  #addressOf({ storage, byteOffset, size }: View): number {
    const address = this.#addresses.get(storage);
    if (address === undefined) {
      throw new RangeError(`Cannot use "${storage.name}": no loaded program uses this storage; load one first`);
    }
    if (byteOffset < 0 || byteOffset % 4 !== 0 || byteOffset + size * 4 > storage.bytes) {
      throw new RangeError(
        `Cannot use "${storage.name}": got ${size} elements at byte ${byteOffset}, must lie within ${storage.bytes} bytes`,
      );
    }
    return address + byteOffset;
  }

  #requireAlive(): void {
    if (this.#disposed) throw new Error(`Cannot use the ${this.name} backend: it was disposed`);
  }
}

/** Where a program lies in memory: `counterBytes` of counters, zeroed before each run, then the list of calls. */
interface ProgramMemory {
  readonly start: number;
  readonly counterBytes: number;
  readonly list: number;
}

class WasmExecutable implements Executable {
  readonly run: () => Promise<void>;
  readonly profile: () => Promise<Float64Array>;

  constructor(
    readonly program: Program,
    readonly memory: ProgramMemory,
    actions: { run: () => Promise<void>; profile: () => Promise<Float64Array> },
  ) {
    this.run = actions.run;
    this.profile = actions.profile;
  }
}
