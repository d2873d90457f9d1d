import type { Backend } from "../backend/backend.ts";
import { Exclusive } from "../backend/exclusive.ts";
import { OptionError, UserError } from "../errors.ts";
import { compile, type CompiledGraph } from "../graph/compiled_graph.ts";
import { viewOf } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";
import { excerpt } from "../io/excerpt.ts";
import { ParameterLayout } from "../model/parameters.ts";
import type { OptimizerOptions, ParameterGroup } from "./optimizer/groups.ts";
import {
  elementsOf,
  finiteElementsOf,
  firstValues,
  layoutOf,
  type OwnTensor,
  requireNames,
  STATE_PREFIX,
} from "./own_tensors.ts";
import { requireRate } from "./schedule.ts";
import { type TensorUpdate, traceUpdate } from "./tensor_update.ts";
import { loadTensors, saveTensors } from "./tensors_file.ts";

/** What is optimized, and how. */
export interface TensorOptimizerOptions {
  /** Tensors of a person's own, by name; or a model's `parameters`, which stay their maker's to fill and to release. */
  readonly tensors: Readonly<Record<string, OwnTensor>> | ParameterLayout;
  /** Which optimizer, and its fixed numbers; or several, each with its own of the tensors. AdamW by default. */
  readonly optimizer?: OptimizerOptions | readonly ParameterGroup[];
  /** Gradients are scaled down to this global norm; 0, the default, leaves them. */
  readonly maxGradNorm?: number;
}

/** What a step found. */
export interface UpdateResult {
  /** Global gradient norm before clipping. */
  readonly gradNorm: number;
  /** The norm is NaN or infinite: nothing was changed, and the step does not count. */
  readonly skipped?: true;
}

/** What an optimizer is made of. */
interface Parts extends TensorUpdate {
  readonly update: CompiledGraph;
}

/** Metadata that every file has. */
const OWN_METADATA = ["optimizer", "updates"];

/**
 * An optimizer of tensors that a person's own graphs compute with: what a step of `train` does after its backward pass,
 * for a training loop of one's own. The tensors, a gradient for each and the optimizer's state lie on the backend.
 *
 * @example A regression of one's own
 * ```ts
 * import { createBackend } from "@bytelm/bytelm/backend";
 * import { backward, compile, Graph } from "@bytelm/bytelm/graph";
 * import { crossEntropy, linear } from "@bytelm/bytelm/ops";
 * import { TensorOptimizer } from "@bytelm/bytelm/train";
 *
 * await using backend = await createBackend("wasm", { workers: 1 });
 * using optimizer = await TensorOptimizer.create(backend, {
 *   tensors: { weight: { shape: [2, 3], values: [0.1, 0, 0, 0, 0.1, 0] } },
 *   optimizer: { optimizer: "adamw", weightDecay: 0.01 },
 *   maxGradNorm: 1,
 * });
 *
 * const graph = new Graph();
 * const x = graph.input("x", [4, 3]);
 * const targets = graph.input("targets", [4], { dtype: "u32" });
 * const one = graph.input("one", [1]);
 * const loss = crossEntropy(graph, linear(graph, x, optimizer.tensor("weight")), targets);
 * backward(graph, loss, one, { gradientOf: optimizer.gradients });
 *
 * using compiled = await compile(backend, graph, { keep: [loss] });
 * compiled.set(x, [1, 0, 1, 1, 1, 1, 0, 1, 1, 0, 0, 1]).set(targets, [0, 0, 1, 1]).set(one, [1]);
 * for (let step = 0; step < 20; step++) {
 *   await compiled.run();
 *   const { gradNorm } = await optimizer.step(0.1);
 *   console.log(await compiled.read(loss), gradNorm);
 * }
 *
 * const path = await Deno.makeTempFile();
 * await optimizer.save(path, { note: "after 20 steps" });
 * console.log(await optimizer.load(path), optimizer.updates); // the note, 20
 * ```
 *
 * @example AdamW on gradients that come from elsewhere
 * ```ts
 * import { createBackend } from "@bytelm/bytelm/backend";
 * import { TensorOptimizer } from "@bytelm/bytelm/train";
 *
 * await using backend = await createBackend("wasm", { workers: 1 });
 * using optimizer = await TensorOptimizer.create(backend, { tensors: { w: { shape: [2], values: [1, 2] } } });
 * for (const gradient of [[0.5, -1], [0.25, 1]]) {
 *   optimizer.setGradients({ w: gradient });
 *   await optimizer.step(0.01);
 * }
 * console.log(await optimizer.read("w"));
 * ```
 */
export class TensorOptimizer implements Disposable {
  readonly #backend: Backend;
  readonly #parts: Parts;
  readonly #owned: DisposableStack;
  readonly #gradients: ReadonlyMap<Tensor, Tensor>;
  readonly #exclusive = new Exclusive();
  #updates = 0;

  private constructor(backend: Backend, parts: Parts, owned: DisposableStack) {
    this.#backend = backend;
    this.#parts = parts;
    this.#owned = owned;
    this.#gradients = new Map([...parts.tensors.parts].map(([name, part]) => [part, parts.gradients.part(name)]));
  }

  /**
   * Takes the memory and writes the tensors' values; gradients and state begin as zeros.
   *
   * @throws {OptionError} If there are no tensors, or values that do not fit; if there is no such optimizer, a number cannot
   *   work, or a tensor is in no group or in two. Nothing is allocated then.
   * @throws {RangeError} If a shape cannot be one.
   * @throws {Error} If memory is short. Nothing stays allocated then.
   */
  static async create(backend: Backend, options: TensorOptimizerOptions): Promise<TensorOptimizer> {
    const { tensors: given, optimizer = {}, maxGradNorm = 0 } = options;
    const isModels = given instanceof ParameterLayout;
    const tensors = isModels ? given : layoutOf(given);
    requireNames([...tensors.parts.keys()]);
    const first = isModels ? [] : firstValues(tensors, given);
    const traced = traceUpdate(tensors, optimizer, maxGradNorm);

    using owned = new DisposableStack();
    const state = traced.optimizers.flatMap(({ state }) => [...state.values()]);
    const layouts = [traced.gradients, ...state, ...isModels ? [] : [tensors]];
    owned.defer(() => layouts.forEach((layout) => layout.release(backend)));
    const update = owned.use(await compile(backend, traced.graph, { keep: [traced.clip] }));
    for (const [part, values] of first) backend.write(viewOf(part, part.placement!), values);
    return new TensorOptimizer(backend, { ...traced, update }, owned.move());
  }

  /** Steps taken, those of before a `load` among them. */
  get updates(): number {
    return this.#updates;
  }

  /** The tensors by name, for graphs of one's own; each has a fixed place, and `requiresGrad`. */
  get tensors(): ReadonlyMap<string, Tensor> {
    return this.#alive.tensors.parts;
  }

  /** The gradient of each tensor, which the next step reads: `gradientOf` of `backward`. It stays until it is overwritten. */
  get gradients(): ReadonlyMap<Tensor, Tensor> {
    this.#requireAlive();
    return this.#gradients;
  }

  /**
   * One of the tensors.
   * @throws {OptionError} If there is none of that name.
   */
  tensor(name: string): Tensor {
    const { parts } = this.#alive.tensors;
    const found = parts.get(name);
    if (found !== undefined) return found;
    throw new OptionError(`Cannot find tensor ${excerpt(name)}: must be one of ${[...parts.keys()].join(", ")}`);
  }

  /**
   * Writes gradients that come from elsewhere; those not named stay as they are.
   * @throws {OptionError} If there is no such tensor, or it has another number of elements. Nothing is written then.
   */
  setGradients(gradients: Readonly<Record<string, ArrayLike<number>>>): void {
    this.#requireAlive();
    const written = Object.entries(gradients).map(([name, values]) => {
      const tensor = this.tensor(name);
      return { gradient: this.#gradients.get(tensor)!, values: elementsOf("write the gradient of", tensor, values) };
    });
    for (const { gradient, values } of written) this.#backend.write(viewOf(gradient, gradient.placement!), values);
  }

  /**
   * Updates the tensors by their gradients, clipped; and waits for the norm.
   *
   * @param lr The learning rate of this step.
   * @throws {OptionError} If the rate is no number from 0 on. Nothing is changed then.
   * @throws {Error} If another step, a `save` or a `load` is under way, or it was disposed of.
   */
  async step(lr: number): Promise<UpdateResult> {
    return await this.#exclusive.run("take a step", async () => {
      const { optimizers, update, schedules, clip } = this.#alive;
      requireRate(lr);
      const told = optimizers.map((optimizer) => optimizer.schedule(lr, this.#updates + 1));
      told.forEach((schedule, i) => update.set(schedules[i], schedule));
      await update.run();
      const [gradNorm, factor] = await update.readFloats(clip);
      if (factor === 0) return { gradNorm, skipped: true };
      this.#updates++;
      return { gradNorm };
    });
  }

  /** Copies a tensor's values off the backend. Throws as `tensor` does. */
  async read(name: string): Promise<Float32Array> {
    const tensor = this.tensor(name);
    return await this.#backend.read(viewOf(tensor, tensor.placement!)) as Float32Array;
  }

  /**
   * Writes a tensor's values. The optimizer's state stays.
   * @throws {OptionError} If there is no such tensor, or it has another number of elements, or one is not finite.
   */
  write(name: string, values: ArrayLike<number>): void {
    const tensor = this.tensor(name);
    this.#backend.write(viewOf(tensor, tensor.placement!), finiteElementsOf("write", tensor, values));
  }

  /**
   * Saves the values, under the tensors' names, and the optimizer's state and steps, as one .safetensors file: a file that
   * is at `path` is whole. Gradients and the optimizer's numbers are not in it.
   *
   * @param metadata Free text by key, which `load` gives back.
   * @throws {OptionError} If a key is one of the file's own: `optimizer`, `updates`.
   * @throws {UserError} If a number is NaN or infinite; what is at `path` stays.
   */
  async save(path: string, metadata: Readonly<Record<string, string>> = {}): Promise<void> {
    const taken = OWN_METADATA.find((key) => Object.hasOwn(metadata, key));
    if (taken !== undefined) {
      throw new OptionError(`Cannot save ${path}: got metadata "${taken}", must be another key: the file has its own`);
    }
    await this.#exclusive.run("save", async () => {
      const own = { optimizer: this.#alive.title, updates: String(this.#updates) };
      await saveTensors(path, this.#backend, this.#saved, { ...metadata, ...own });
    });
  }

  /**
   * Goes on from where another stood when it was saved: with the same gradients, the steps that follow are the same bits.
   *
   * @returns The metadata that it was saved with.
   * @throws {UserError} If it is the file of other tensors or another optimizer, or damaged. Nothing is changed then.
   */
  async load(path: string): Promise<Record<string, string>> {
    return await this.#exclusive.run("load", async () => {
      const { title } = this.#alive;
      const accepted = await loadTensors(path, this.#backend, this.#saved, ({ optimizer, updates, ...rest }) => {
        const refuse = (got: string, mustBe: string) => {
          throw new UserError(`Cannot load ${path}: got ${got}, must be ${mustBe}`);
        };
        if (optimizer !== title) refuse(`optimizer ${excerpt(optimizer)}`, title);
        const count = /^\d+$/.test(updates) ? Number(updates) : NaN;
        if (!Number.isSafeInteger(count)) refuse(`updates ${excerpt(updates)}`, "a whole number");
        return { count, rest };
      });
      this.#updates = accepted.count;
      return accepted.rest;
    });
  }

  /** Frees all that only this optimizer uses, the tensors too unless they are a model's. */
  [Symbol.dispose](): void {
    this.#owned.dispose();
  }

  /** What a file holds, by the names there. */
  get #saved(): ReadonlyMap<string, Tensor> {
    const { tensors, optimizers } = this.#alive;
    const state = optimizers.flatMap(({ state }) => [...state]).flatMap(([kind, { parts }]) =>
      [...parts].map(([name, part]): [string, Tensor] => [`${STATE_PREFIX}${kind}.${name}`, part])
    );
    return new Map([...tensors.parts, ...state]);
  }

  get #alive(): Parts {
    this.#requireAlive();
    return this.#parts;
  }

  #requireAlive(): void {
    if (this.#owned.disposed) throw new Error("Cannot use an optimizer: it was disposed of");
  }
}
