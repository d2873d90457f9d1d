import type { Backend, Executable } from "../backend/backend.ts";
import { Exclusive } from "../backend/exclusive.ts";
import { releaseProgram } from "../backend/release.ts";
import type { Batch } from "../dataset/batches.ts";
import { Graph, type Precision } from "../graph/graph.ts";
import { InputBlock } from "../graph/inputs.ts";
import { plan } from "../graph/plan.ts";
import { type Program } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Transformer } from "../model/transformer.ts";
import { crossEntropy } from "../ops/cross_entropy.ts";

interface EvaluatorTensors {
  readonly ids: Tensor;
  readonly targets: Tensor;
  readonly loss: Tensor;
}

/** The forward pass and the loss, without gradients: for validation. It owns its program, not the model's weights. */
export class Evaluator implements Disposable {
  readonly #backend: Backend;
  readonly #executable: Executable;
  readonly #program: Program;
  readonly #block: InputBlock;
  readonly #tensors: EvaluatorTensors;
  readonly #exclusive = new Exclusive();

  private constructor(backend: Backend, executable: Executable, program: Program, tensors: EvaluatorTensors) {
    this.#backend = backend;
    this.#executable = executable;
    this.#program = program;
    this.#tensors = tensors;
    this.#block = new InputBlock(program);
  }

  /** Loads the program; the model's weights are shared with whatever else uses this model on this backend. */
  static async create(
    backend: Backend,
    model: Transformer,
    batchSize: number,
    precision?: Precision,
  ): Promise<Evaluator> {
    const graph = new Graph({ precision });
    const shape = [batchSize, model.config.contextLength];
    const ids = graph.input("ids", shape, { dtype: "u32" });
    const targets = graph.input("targets", shape, { dtype: "u32" });
    const loss = crossEntropy(graph, model.forward(graph, ids), targets);
    const program = plan(graph, { keep: [loss] });
    const executable = await backend.load(program);
    model.writeConstants(backend);
    return new Evaluator(backend, executable, program, { ids, targets, loss });
  }

  /** Frees the program; the weights stay. */
  [Symbol.dispose](): void {
    releaseProgram(this.#backend, this.#program);
  }

  /**
   * The mean loss over batches of equal size, in nats per token; NaN for none.
   * @throws {Error} If another is being computed.
   */
  async meanLoss(batches: AsyncIterable<Batch>): Promise<number> {
    return await this.#exclusive.run("evaluate", () => this.#meanLoss(batches));
  }

  async #meanLoss(batches: AsyncIterable<Batch>): Promise<number> {
    let sum = 0;
    let count = 0;
    for await (const batch of batches) {
      this.#block.integers(this.#tensors.ids).set(batch.ids);
      this.#block.integers(this.#tensors.targets).set(batch.targets);
      this.#backend.write(this.#block.view, this.#block.words);
      await this.#executable.run();
      sum += (await this.#backend.read(this.#program.view(this.#tensors.loss)))[0];
      count++;
    }
    return sum / count;
  }
}
