import type { Backend, Executable, HostArray } from "../../lib/backend/backend.ts";
import { Graph, type GraphOptions } from "../../lib/graph/graph.ts";
import { InputBlock } from "../../lib/graph/inputs.ts";
import { align, ALIGNMENT_BYTES, plan } from "../../lib/graph/plan.ts";
import { type Program, viewOf, wholeOf } from "../../lib/graph/program.ts";
import { BYTES_PER_ELEMENT, DeviceStorage, Tensor, type View } from "../../lib/graph/tensor.ts";
import { ReferenceBackend } from "../reference/backend.ts";

/** What a test gives a tensor: float64 only where the reference backend alone runs it. */
export type HostData = Float32Array | Float64Array | Uint32Array;

/** Results by name: float64 from the reference backend, float32 from a device. */
export type Arrays = Record<string, Float32Array | Float64Array>;

/** Fills what a program has not written: two NaNs that differ, so that a result which depends on them shows. */
export const GARBAGE = [0x7fc0bad1, 0x7fc0bad2];

/** A graph in the making, with the data that its tensors shall hold. */
export class Trace {
  readonly graph: Graph;
  readonly data = new Map<Tensor, HostData>();

  constructor(options: GraphOptions = {}) {
    this.graph = new Graph(options);
  }

  /** An input of the program. */
  input(name: string, shape: readonly number[], data: HostData, requiresGrad = false): Tensor {
    const dtype = data instanceof Uint32Array ? "u32" : "f32";
    const tensor = this.graph.input(name, shape, { dtype, requiresGrad });
    this.data.set(tensor, data);
    return tensor;
  }

  /** A tensor with a place of its own that a program may change, between guards that it must not touch. */
  state(name: string, shape: readonly number[], data: HostData, requiresGrad = false): Tensor {
    const bytes = align(data.length * BYTES_PER_ELEMENT) + 2 * ALIGNMENT_BYTES;
    const placement = { storage: new DeviceStorage(name, bytes), byteOffset: ALIGNMENT_BYTES };
    const dtype = data instanceof Uint32Array ? "u32" : "f32";
    const tensor = new Tensor(name, shape, { dtype, placement, requiresGrad });
    this.data.set(tensor, data);
    return tensor;
  }
}

/** A traced graph, loaded: it can be run again and again, each time from the same data over fresh garbage. */
export class GraphRun {
  readonly #backend: Backend;
  readonly #executable: Executable;
  readonly #program: Program;
  readonly #data: ReadonlyMap<Tensor, HostData>;
  readonly #outputs: Readonly<Record<string, Tensor>>;

  private constructor(
    backend: Backend,
    executable: Executable,
    program: Program,
    trace: Trace,
    outputs: Readonly<Record<string, Tensor>>,
  ) {
    this.#backend = backend;
    this.#executable = executable;
    this.#program = program;
    this.#data = trace.data;
    this.#outputs = outputs;
  }

  /** Plans and loads what `build` traces; `build` returns the tensors to read after a run. */
  static async load(
    backend: Backend,
    build: (trace: Trace) => Record<string, Tensor>,
    options: GraphOptions = {},
  ): Promise<GraphRun> {
    const trace = new Trace(options);
    const outputs = build(trace);
    const program = plan(trace.graph, { keep: Object.values(outputs).filter((tensor) => !tensor.placement) });
    return new GraphRun(backend, await backend.load(program), program, trace, outputs);
  }

  /**
   * Fills every storage with garbage, writes the data, runs, and reads the outputs.
   * @param replaced Data to write instead of a tensor's own, by the tensor's name.
   * @throws {Error} If the program changed an input, or memory around an output.
   */
  async run(garbage = GARBAGE[0], replaced: Readonly<Record<string, HostData>> = {}): Promise<Arrays> {
    for (const storage of this.#program.storages) {
      if (storage !== this.#program.inputs) this.#backend.write(...filled(storage, garbage));
    }
    const inputs = this.#writeData(garbage, replaced);
    await this.#executable.run();
    if (inputs) await this.#requireUntouched(inputs);
    // All at once: WebGPU in Deno answers each read 10 ms later.
    const results = Object.entries(this.#outputs).map(async ([name, tensor]): Promise<[string, Arrays[string]]> => {
      return [name, await this.#readGuarded(tensor, garbage)];
    });
    return Object.fromEntries(await Promise.all(results));
  }

  /** Frees the program's memory. */
  release(): void {
    for (const storage of this.#program.storages) this.#backend.release(storage);
  }

  #writeData(garbage: number, replaced: Readonly<Record<string, HostData>>): Uint32Array | undefined {
    const block = this.#program.inputs && new InputBlock(this.#program);
    block?.words.fill(garbage);
    const exact: [View, Float64Array][] = [];
    for (const [tensor, own] of this.#data) {
      const data = replaced[tensor.name] ?? own;
      const view = this.#program.view(tensor);
      if (!this.#program.storages.includes(view.storage)) continue;
      if (data instanceof Float64Array) exact.push([view, data]);
      if (tensor.placement) this.#backend.write(view, data instanceof Float64Array ? Float32Array.from(data) : data);
      else if (data instanceof Uint32Array) block!.integers(tensor).set(data);
      else block!.floats(tensor).set(data);
    }
    if (block) this.#backend.write(block.view, block.words);
    for (const [view, data] of exact) {
      if (!(this.#backend instanceof ReferenceBackend)) throw new TypeError("Only the reference backend takes float64");
      this.#backend.values(view).set(data);
    }
    // Float64 data are no device's bits: they cannot be compared afterwards.
    return exact.length === 0 ? block?.words : undefined;
  }

  /** WebGPU itself keeps a kernel from writing its inputs. */
  async #requireUntouched(words: Uint32Array): Promise<void> {
    if (this.#backend.name === "webgpu") return;
    const now = await this.#backend.read(wholeOf(this.#program.inputs!, "u32"));
    requireSame("its inputs", words, now, 0, words.length);
  }

  /** Reads the whole storage, in which everything but the tensor must be as it was. */
  async #readGuarded(tensor: Tensor, garbage: number): Promise<Float32Array | Float64Array> {
    const view = this.#program.view(tensor);
    if (view.storage === this.#program.inputs) {
      // A read is of float32s.
      if (this.#backend instanceof ReferenceBackend) return this.#backend.values(view).slice();
      return await this.#backend.read(view) as Float32Array;
    }
    const [whole, before] = filled(view.storage, garbage);
    const after = await this.#backend.read(whole) as Uint32Array<ArrayBuffer>;
    const begin = view.byteOffset / BYTES_PER_ELEMENT;
    requireSame(`memory before ${tensor}`, before, after, 0, begin);
    requireSame(`memory after ${tensor}`, before, after, begin + view.size, before.length);
    if (this.#backend instanceof ReferenceBackend) return this.#backend.values(view).slice();
    return new Float32Array(after.buffer, after.byteOffset + view.byteOffset, view.size);
  }
}

/** Loads, runs once and releases. */
export async function runGraph(backend: Backend, build: (trace: Trace) => Record<string, Tensor>): Promise<Arrays> {
  const run = await GraphRun.load(backend, build);
  try {
    return await run.run();
  } finally {
    run.release();
  }
}

function filled(storage: DeviceStorage, word: number): [View, Uint32Array] {
  const view = viewOf({ size: storage.bytes / BYTES_PER_ELEMENT, dtype: "u32" }, { storage, byteOffset: 0 });
  return [view, new Uint32Array(view.size).fill(word)];
}

function requireSame(what: string, before: HostArray, after: HostArray, begin: number, end: number): void {
  for (let i = begin; i < end; i++) {
    if (before[i] !== after[i]) throw new Error(`The program changed ${what}: element ${i}`);
  }
}
