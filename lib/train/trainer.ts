import { OptionError } from "../errors.ts";
import type { Backend } from "../backend/backend.ts";
import { Exclusive } from "../backend/exclusive.ts";
import type { Batch } from "../dataset/batches.ts";
import { CompiledGraph } from "../graph/compiled_graph.ts";
import type { Precision } from "../graph/graph.ts";
import { type Program, viewOf, wholeOf } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { LanguageModel } from "../model/language_model.ts";
import type { ParameterLayout } from "../model/parameters.ts";
import type { WeightSource } from "../model/weights.ts";
import { frozenIn } from "./adapters.ts";
import type { TrainingConfig } from "./config.ts";
import type { Frozen } from "./optimizer/frozen.ts";
import type { LossScaleOptions } from "./optimizer/loss_scale.ts";
import type { OptimizerOptions, ParameterGroup } from "./optimizer/groups.ts";
import { requireRate } from "./schedule.ts";
import { requireBatch, requireWeights } from "../model/require_batch.ts";
import { type StepPrograms, traceStep } from "./step_programs.ts";

/** What a training step is compiled for. */
export interface TrainerOptions {
  /** Sequences that go through the model together. */
  readonly batchSize: number;
  /** Such batches per step, whose gradients are averaged; 1 by default. */
  readonly gradAccumulation?: number;
  /** Tokens per sequence; the model's context length by default. */
  readonly seqLen?: number;
  /** Whether batches have `weights`. Default: no. */
  readonly weighted?: boolean;
  /** Which optimizer, and its fixed numbers; or several, each with its own of the model's parameters. */
  readonly optimizer: OptimizerOptions | readonly ParameterGroup[];
  /**
   * The model's parameters that stay as they are, bit for bit: they have no gradient, and so no share in the norm, and no
   * optimizer's state. None by default.
   */
  readonly frozen?: Frozen;
  /** The share of the embeddings and of sublayers' outputs that is dropped; 0 by default. */
  readonly dropout?: number;
  /** Decides with a batch's number which are: neither resuming nor the number of workers changes them. 0 by default. */
  readonly seed?: number;
  /**
   * The factor of a z-loss, which keeps log Z of the logits near 0: see `CrossEntropyOptions.zLoss`. 0 by default. The
   * logged loss has no share of it.
   */
  readonly zLoss?: number;
  /** What the model computes in; `"f32"` by default. */
  readonly precision?: Precision;
  /** Of f16 alone; `LOSS_SCALE_DEFAULTS` by default. */
  readonly lossScale?: LossScaleOptions;
  /** Gradients are scaled down to this global norm; 0 leaves them. */
  readonly maxGradNorm: number;
  /** Steps that may be taken between two calls of `takeLog`. */
  readonly logCapacity: number;
}

/** What the steps of a training are compiled for. */
export function trainerOptionsOf(config: TrainingConfig, logCapacity: number): TrainerOptions {
  return {
    batchSize: config.batchSize,
    gradAccumulation: config.gradAccumulation,
    seqLen: config.seqLen,
    optimizer: config,
    frozen: frozenIn(config),
    dropout: config.dropout,
    zLoss: config.zLoss,
    seed: config.seed,
    precision: config.dtype,
    maxGradNorm: config.clip,
    logCapacity,
  };
}

/** What a step computed besides new weights. */
export interface StepResult {
  /** Mean cross-entropy of the step's sequences before the update, in nats per token; or the model's own loss. */
  readonly loss: number;
  /** Global gradient norm before clipping. */
  readonly gradNorm: number;
  /** In f16: the gradients overflowed, so the weights are as before, and the loss's scale is halved. */
  readonly skipped?: true;
}

/**
 * One training step as a program: forward, backward, clipping, optimizer. Losses and norms are logged on the device and
 * read back together, because waiting for a GPU at every step would leave it idle.
 *
 * With gradient accumulation a step is several programs: one empties the gradients, one adds a batch's, and is run for
 * each batch, and one updates the weights.
 */
export class Trainer implements Disposable {
  readonly #backend: Backend;
  readonly #traced: StepPrograms;
  readonly #compiled: Readonly<Record<"batch" | "update", CompiledGraph>> & { readonly empty?: CompiledGraph };
  readonly #gradAccumulation: number;
  readonly #logCapacity: number;
  readonly #seed: number;
  readonly #exclusive = new Exclusive();
  /** Frees all that only this trainer uses. */
  readonly #owned: DisposableStack;
  #updates = 0;
  #logged = 0;

  private constructor(
    backend: Backend,
    traced: StepPrograms,
    { empty, batch, update = batch }: LoadedStep,
    owned: DisposableStack,
    { gradAccumulation = 1, logCapacity, seed = 0 }: TrainerOptions,
  ) {
    this.#backend = backend;
    this.#traced = traced;
    this.#compiled = { empty, batch, update };
    this.#owned = owned;
    this.#gradAccumulation = gradAccumulation;
    this.#logCapacity = logCapacity;
    this.#seed = seed;
    batch.input(traced.inputs.dLoss).fill(1 / gradAccumulation);
  }

  /**
   * Traces, plans and loads the step. The model's weights are the caller's to write, before the first step.
   * @throws {OptionError} If a number cannot work; if parameters are frozen, or divided among optimizers, that the model
   *   does not have; if all are frozen.
   */
  static async create(backend: Backend, model: LanguageModel, options: TrainerOptions): Promise<Trainer> {
    const traced = traceStep(model, options);
    using owned = new DisposableStack();
    owned.defer(() => traced.shared.forEach((storage) => backend.release(storage)));
    const load = async (program: Program) => owned.use(await CompiledGraph.load(backend, program));
    const loaded = {
      empty: traced.empty && await load(traced.empty),
      batch: await load(traced.batch),
      update: traced.update && await load(traced.update),
    };
    return new Trainer(backend, traced, loaded, owned.move(), options);
  }

  /** What is run for each batch: the whole step, unless gradients are accumulated. */
  get program(): Program {
    return this.#traced.batch;
  }

  /** Everything that a step runs, in order: with gradient accumulation the batch's program several times. */
  get stepPrograms(): readonly Program[] {
    const { empty, batch, update } = this.#traced;
    const batches = new Array<Program>(this.#gradAccumulation).fill(batch);
    return [...(empty ? [empty] : []), ...batches, ...(update ? [update] : [])];
  }

  /** Optimizer updates made so far. */
  get updates(): number {
    return this.#updates;
  }

  /** Where each trained parameter's gradient of the last step is, by parameter name. */
  get gradients(): ParameterLayout {
    return this.#traced.gradients;
  }

  /** Every array of the optimizers' state, by a name made of its kind and the parameter's, which one optimizer has. */
  get optimizerState(): ReadonlyMap<string, Tensor> {
    const layouts = this.#traced.optimizers.flatMap(({ state }) => [...state]);
    const moments = layouts.flatMap(([kind, { parts }]) =>
      [...parts].map(([name, part]): [string, Tensor] => [`${kind}.${name}`, part])
    );
    const { lossScale } = this.#traced;
    return new Map([...moments, ...lossScale ? [["loss_scale", lossScale.state]] as const : []]);
  }

  /** Goes on from where another trainer stood: after so many updates, with its optimizer's state. */
  async restore(updates: number, state: WeightSource): Promise<void> {
    for (const [name, tensor] of this.optimizerState) {
      this.#backend.write(viewOf(tensor, tensor.placement!), await state(name, tensor.shape));
    }
    this.#updates = updates;
  }

  /**
   * Takes one step. On a GPU it resolves once the work is submitted.
   * @param batch The step's sequences: batch size times accumulated batches.
   * @param lr The learning rate of this step.
   * @throws {OptionError} If the batch is of another size, or the rate is no number from 0 on. Nothing is changed then.
   * @throws {Error} If the log is full: call `takeLog` first. If another step is being taken.
   */
  async step(batch: Batch, lr: number): Promise<void> {
    await this.#exclusive.run("take a step", () => this.#step(batch, lr, (compiled) => compiled.run()));
  }

  /**
   * Takes one step as `step` does, and returns the seconds that each of the program's calls took, summed over
   * accumulated batches.
   * @throws {OptionError} As `step` does, and if the backend keeps no clock.
   * @throws {Error} If the log is full. If another step is being taken.
   */
  async profileStep(batch: Batch, lr: number): Promise<Float64Array> {
    const total = new Float64Array(this.program.calls.length);
    const run = async (compiled: CompiledGraph) => {
      if (compiled !== this.#compiled.batch) return await compiled.run();
      const seconds = await compiled.profile();
      if (seconds === undefined) {
        throw new OptionError(
          `Cannot profile a step: got ${this.#backend.description}, must be a backend that times its calls`,
        );
      }
      seconds.forEach((time, i) => total[i] += time);
    };
    await this.#exclusive.run("take a step", () => this.#step(batch, lr, run));
    return total;
  }

  /**
   * Waits for all steps taken, and returns what each since the last call computed.
   * @throws {Error} If a step is being taken.
   */
  async takeLog(): Promise<StepResult[]> {
    return await this.#exclusive.run("take the log", () => this.#takeLog());
  }

  async #takeLog(): Promise<StepResult[]> {
    const { loss, clip } = this.#traced.log;
    // Together, because each wait for a GPU takes 11 ms in Deno.
    const [losses, clips] = await Promise.all([loss, clip].map((log) => this.#backend.read(wholeOf(log))));
    const perStep = this.#gradAccumulation;
    const results = Array.from({ length: this.#logged }, (_, i) => {
      let sum = 0;
      for (let j = i * perStep; j < (i + 1) * perStep; j++) sum += losses[j];
      const result = { loss: sum / perStep, gradNorm: clips[2 * i] };
      return this.#traced.lossScale && clips[2 * i + 1] === 0 ? { ...result, skipped: true as const } : result;
    });
    this.#logged = 0;
    return results;
  }

  /** Frees what only this trainer uses; the parameters stay. */
  [Symbol.dispose](): void {
    this.#owned.dispose();
  }

  async #step(batch: Batch, lr: number, run: (compiled: CompiledGraph) => Promise<void>): Promise<void> {
    if (this.#logged === this.#logCapacity) {
      throw new Error(`Cannot take a step: the log of ${this.#logged} steps is full; call takeLog first`);
    }
    const { inputs, optimizers } = this.#traced;
    requireBatch("take a step", batch, this.#gradAccumulation * inputs.ids.size);
    requireRate(lr);
    const weights = inputs.weights && meanWeights(batch);
    const { empty, batch: forBatch, update } = this.#compiled;
    const schedules = optimizers.map((optimizer) => optimizer.schedule(lr, this.#updates + 1));
    schedules.forEach((schedule, i) => update.set(inputs.schedules[i], schedule));
    update.set(inputs.normRow, [this.#logged]);
    if (empty) await run(empty);
    for (let i = 0; i < this.#gradAccumulation; i++) {
      const [from, to] = [i * inputs.ids.size, (i + 1) * inputs.ids.size];
      forBatch.set(inputs.ids, batch.ids.subarray(from, to)).set(inputs.targets, batch.targets.subarray(from, to));
      if (inputs.weights) forBatch.set(inputs.weights, weights!.subarray(from, to));
      if (inputs.draw) {
        const number = this.#updates * this.#gradAccumulation + i;
        forBatch.set(inputs.draw, [...wordsOf(this.#seed), ...wordsOf(number)]);
      }
      forBatch.set(inputs.lossRow, [this.#logged * this.#gradAccumulation + i]);
      await run(forBatch);
    }
    if (update !== forBatch) await run(update);
    this.#updates++;
    this.#logged++;
  }
}

/**
 * A batch's weights, so scaled that the mean of weighted losses is the weighted mean.
 * @throws {OptionError} If there are none, or all are 0.
 */
function meanWeights(batch: Batch): Float32Array {
  const weights = requireWeights("take a step", batch);
  const sum = weights.reduce((sum, weight) => sum + weight, 0);
  if (sum > 0) return weights.map((weight) => weight * weights.length / sum);
  throw new OptionError(`Cannot take a step: got weights with the sum ${sum}, must be above 0`);
}

/** A whole number below 2⁵³ as its low and its high word. */
function wordsOf(number: number): [number, number] {
  return [number % 2 ** 32, Math.floor(number / 2 ** 32)];
}

/** A step's programs on a backend; without accumulation the batch's is the whole step. */
interface LoadedStep {
  readonly empty?: CompiledGraph;
  readonly batch: CompiledGraph;
  readonly update?: CompiledGraph;
}
