import type { Backend, Executable, HostArray } from "../backend/backend.ts";
import { releaseProgram } from "../backend/release.ts";
import type { Graph } from "./graph.ts";
import { InputBlock } from "./inputs.ts";
import { plan, type PlanOptions } from "./plan.ts";
import type { Program } from "./program.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Plans a graph and loads it on a backend.
 * @param options.keep Tensors that can be read after a run, besides those that have a fixed place.
 * @throws {Error} If a kernel does not compile or memory is short, naming the kernel or storage. Nothing stays
 *   allocated then.
 */
export async function compile(backend: Backend, graph: Graph, options: PlanOptions = {}): Promise<CompiledGraph> {
  return await CompiledGraph.load(backend, plan(graph, options));
}

/**
 * A program on a backend, with the host's copy of its inputs: `set` them, `run`, `read` the results. It owns its inputs
 * and intermediates and frees them when it is disposed of; what it shares with others (parameters, caches) stays.
 */
export class CompiledGraph implements Disposable {
  /** The plan that was loaded: its calls, and the storages that they touch. */
  readonly program: Program;
  readonly #backend: Backend;
  readonly #executable: Executable;
  readonly #inputs: InputBlock | undefined;
  /** Whether inputs were set since the last run. */
  #isSet = true;
  #isDisposed = false;

  private constructor(backend: Backend, program: Program, executable: Executable) {
    this.program = program;
    this.#backend = backend;
    this.#executable = executable;
    this.#inputs = program.inputs && new InputBlock(program);
  }

  /** Loads a program that is planned already. Throws as {@linkcode compile} does. */
  static async load(backend: Backend, program: Program): Promise<CompiledGraph> {
    return new CompiledGraph(backend, program, await backend.load(program));
  }

  /**
   * Sets elements of a tensor that the host can write. Inputs start as zeros, and all of them are sent with the next
   * run. A tensor with a fixed place is written at once, and in full.
   *
   * @param values As many as the tensor has; for an input, fewer will do.
   * @param at Where in the input they go.
   * @throws {RangeError} If they do not fit, or an integer exceeds what its op allows (for an input, this is checked
   *   when it runs).
   */
  set(tensor: Tensor, values: ArrayLike<number>, at = 0): this {
    if (tensor.placement === undefined) {
      this.input(tensor).set(values, at);
      return this;
    }
    this.#requireAlive();
    const data = tensor.dtype === "u32" ? Uint32Array.from(values) : Float32Array.from(values);
    this.#backend.write(this.program.view(tensor), data);
    return this;
  }

  /** The elements of an input. Change them in place before the next run. */
  input(tensor: Tensor): Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> {
    this.#requireAlive();
    if (this.#inputs === undefined) throw new TypeError(`Cannot set ${tensor}: the graph has no inputs`);
    this.#isSet = true;
    return tensor.dtype === "u32" ? this.#inputs.integers(tensor) : this.#inputs.floats(tensor);
  }

  /**
   * Runs every call in order; see `Executable.run`.
   * @throws {RangeError} If an integer among the inputs exceeds what its op allows.
   */
  async run(): Promise<void> {
    this.#sendInputs();
    await this.#executable.run();
  }

  /** Runs, and returns how many seconds each call took; `undefined` if the backend has no clock. */
  async profile(): Promise<Float64Array | undefined> {
    if (this.#executable.profile === undefined) return undefined;
    this.#sendInputs();
    return await this.#executable.profile();
  }

  /**
   * Copies a tensor out once all earlier runs are done.
   * @throws {Error} If it is not an input, was not kept, and has no fixed place.
   */
  async read(tensor: Tensor): Promise<HostArray> {
    this.#requireAlive();
    return await this.#backend.read(this.program.view(tensor));
  }

  /** Copies a tensor of floats out; see `read`. */
  async readFloats(tensor: Tensor): Promise<Float32Array> {
    const values = await this.read(tensor);
    if (values instanceof Float32Array) return values;
    throw new TypeError(`Cannot read ${tensor} as floats: got integers, must be of type f32`);
  }

  /** Frees the inputs and intermediates. */
  [Symbol.dispose](): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    releaseProgram(this.#backend, this.program);
  }

  #sendInputs(): void {
    this.#requireAlive();
    if (!this.#inputs || !this.#isSet) return;
    this.#backend.write(this.#inputs.view, this.#inputs.words);
    this.#isSet = false;
  }

  #requireAlive(): void {
    if (this.#isDisposed) throw new Error("Cannot use a compiled graph: it was disposed of");
  }
}
