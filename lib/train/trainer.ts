import type { Backend, Executable } from "../backend/backend.ts";
import type { Batch } from "../dataset/batches.ts";
import { backward } from "../graph/backward.ts";
import { Graph } from "../graph/graph.ts";
import { InputBlock } from "../graph/inputs.ts";
import { plan } from "../graph/plan.ts";
import { type Program, wholeOf } from "../graph/program.ts";
import { BYTES_PER_ELEMENT, Storage, Tensor } from "../graph/tensor.ts";
import { ParameterLayout, parameterSpecs } from "../model/parameters.ts";
import type { Transformer } from "../model/transformer.ts";
import { crossEntropy } from "../ops/cross_entropy.ts";
import { logRow } from "../ops/write_rows.ts";
import { adamw, type AdamWOptions, adamwSchedule } from "./adamw.ts";
import { clipGradNorm } from "./clip_grad_norm.ts";

/** What a training step is compiled for. */
export interface TrainerOptions {
  readonly batchSize: number;
  /** Tokens per sequence; the model's context length by default. */
  readonly seqLen?: number;
  readonly optimizer: AdamWOptions;
  /** Gradients are scaled down to this global norm; Infinity leaves them. */
  readonly maxGradNorm: number;
  /** Steps that may be taken between two calls of `takeLog`. */
  readonly logCapacity: number;
}

/** What a step computed besides new weights. */
export interface StepResult {
  /** Mean cross-entropy of the batch before the update, in nats per token. */
  readonly loss: number;
  /** Global gradient norm before clipping. */
  readonly gradNorm: number;
}

/**
 * One training step as a program: forward, backward, clipping, AdamW. Losses and norms are logged on the device and
 * read back together, because waiting for a GPU at every step would leave it idle.
 */
export class Trainer {
  readonly program: Program;
  readonly #backend: Backend;
  readonly #executable: Executable;
  readonly #options: TrainerOptions;
  readonly #block: InputBlock;
  readonly #inputs: { ids: Tensor; targets: Tensor; dLoss: Tensor; schedule: Tensor; row: Tensor };
  readonly #log: { loss: Storage; clip: Storage };
  readonly #gradients: ParameterLayout;
  readonly #moments: readonly ParameterLayout[];
  #updates = 0;
  #logged = 0;

  private constructor(backend: Backend, executable: Executable, traced: Traced, options: TrainerOptions) {
    this.#backend = backend;
    this.#executable = executable;
    this.#options = options;
    this.program = traced.program;
    this.#inputs = traced.inputs;
    this.#log = traced.log;
    this.#gradients = traced.gradients;
    this.#moments = traced.moments;
    this.#block = new InputBlock(traced.program);
    this.#block.floats(traced.inputs.dLoss).fill(1);
  }

  /** Traces, plans and loads the step. The model's weights are the caller's to write, before the first step. */
  static async create(backend: Backend, model: Transformer, options: TrainerOptions): Promise<Trainer> {
    const traced = trace(model, options);
    const executable = await backend.load(traced.program);
    model.writeConstants(backend);
    return new Trainer(backend, executable, traced, options);
  }

  /** Optimizer updates made so far. */
  get updates(): number {
    return this.#updates;
  }

  /** Where each parameter's gradient of the last step is, by parameter name. */
  get gradients(): ParameterLayout {
    return this.#gradients;
  }

  /**
   * Takes one step. On a GPU it resolves once the work is submitted.
   * @param lr The learning rate of this step.
   * @throws {Error} If the log is full: call `takeLog` first.
   */
  async step(batch: Batch, lr: number): Promise<void> {
    this.#prepare(batch, lr);
    await this.#executable.run();
    this.#finish();
  }

  /**
   * Takes one step as `step` does, and returns the seconds that each of the program's calls took.
   * @throws {Error} If the log is full, or the backend keeps no clock.
   */
  async profileStep(batch: Batch, lr: number): Promise<Float64Array> {
    if (this.#executable.profile === undefined) {
      throw new Error(
        `Cannot profile a step: got ${this.#backend.description}, must be a backend that times its calls`,
      );
    }
    this.#prepare(batch, lr);
    const seconds = await this.#executable.profile();
    this.#finish();
    return seconds;
  }

  #prepare(batch: Batch, lr: number): void {
    if (this.#logged === this.#options.logCapacity) {
      throw new Error(`Cannot take a step: got a log of ${this.#logged} steps that is full, takeLog must empty it`);
    }
    this.#block.integers(this.#inputs.ids).set(batch.ids);
    this.#block.integers(this.#inputs.targets).set(batch.targets);
    this.#block.integers(this.#inputs.row)[0] = this.#logged;
    const schedule = adamwSchedule(lr, this.#updates + 1, this.#options.optimizer);
    this.#block.floats(this.#inputs.schedule).set(schedule);
    this.#backend.write(this.#block.view, this.#block.words);
  }

  #finish(): void {
    this.#updates++;
    this.#logged++;
  }

  /** Waits for all steps taken, and returns what each since the last call computed. */
  async takeLog(): Promise<StepResult[]> {
    const losses = await this.#backend.read(wholeOf(this.#log.loss));
    const clips = await this.#backend.read(wholeOf(this.#log.clip));
    const results = Array.from({ length: this.#logged }, (_, i) => ({ loss: losses[i], gradNorm: clips[2 * i] }));
    this.#logged = 0;
    return results;
  }

  /** Frees what only this trainer uses; the parameters stay. */
  dispose(): void {
    const own = [this.#gradients, ...this.#moments].map((layout) => layout.flat.placement!.storage);
    for (const storage of [...own, ...this.program.scratch, this.program.inputs!, ...Object.values(this.#log)]) {
      this.#backend.release(storage);
    }
  }
}

type Traced = ReturnType<typeof trace>;

function trace(model: Transformer, options: TrainerOptions) {
  const { batchSize, seqLen = model.config.contextLength, optimizer, maxGradNorm, logCapacity } = options;
  const specs = parameterSpecs(model.config);
  const gradients = new ParameterLayout("gradients", specs, false);
  const m = new ParameterLayout("first moments", specs, false);
  const v = new ParameterLayout("second moments", specs, false);
  const log = {
    loss: new Storage("loss log", logCapacity * BYTES_PER_ELEMENT),
    clip: new Storage("gradient norm log", 2 * logCapacity * BYTES_PER_ELEMENT),
  };

  const graph = new Graph();
  const inputs = {
    ids: graph.input("ids", [batchSize, seqLen], { dtype: "u32" }),
    targets: graph.input("targets", [batchSize, seqLen], { dtype: "u32" }),
    dLoss: graph.input("dLoss", [1]),
    schedule: graph.input("schedule", [3]),
    row: graph.input("log row", [1], { dtype: "u32" }),
  };
  const loss = crossEntropy(graph, model.forward(graph, inputs.ids), inputs.targets);
  const gradientOf = new Map([...model.parameters.parts].map(([name, part]) => [part, gradients.part(name)]));
  backward(graph, loss, inputs.dLoss, { gradientOf });
  const clip = clipGradNorm(graph, gradients.flat, maxGradNorm);
  adamw(graph, {
    parameters: model.parameters.flat,
    gradients: gradients.flat,
    m: m.flat,
    v: v.flat,
    clip,
    schedule: inputs.schedule,
  }, optimizer);
  const logOf = (storage: Storage, width: number) =>
    new Tensor(storage.name, [logCapacity, width], { placement: { storage, byteOffset: 0 } });
  logRow(graph, loss, inputs.row, logOf(log.loss, 1));
  logRow(graph, clip, inputs.row, logOf(log.clip, 2));
  return { program: plan(graph), inputs, log, gradients, moments: [m, v] };
}
