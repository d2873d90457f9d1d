import type { Backend } from "../backend/backend.ts";
import { Exclusive } from "../backend/exclusive.ts";
import type { Batch } from "../dataset/batches.ts";
import { compile, type CompiledGraph } from "../graph/compiled_graph.ts";
import { Graph, type Precision } from "../graph/graph.ts";
import type { Tensor } from "../graph/tensor.ts";
import { type LanguageModel, logitsOf } from "../model/language_model.ts";
import { crossEntropy } from "../ops/cross_entropy.ts";
import { requireBatch } from "../model/require_batch.ts";

interface EvaluatorTensors {
  readonly ids: Tensor;
  readonly targets: Tensor;
  readonly loss: Tensor;
}

/**
 * The forward pass and the loss without gradients, for validation. It owns its program, but not the model's weights.
 */
export class Evaluator implements Disposable {
  readonly #compiled: CompiledGraph;
  readonly #tensors: EvaluatorTensors;
  readonly #exclusive = new Exclusive();

  private constructor(compiled: CompiledGraph, tensors: EvaluatorTensors) {
    this.#compiled = compiled;
    this.#tensors = tensors;
  }

  /** Loads the program. The weights are shared with everything else that uses this model on this backend. */
  static async create(
    backend: Backend,
    model: LanguageModel,
    batchSize: number,
    precision?: Precision,
  ): Promise<Evaluator> {
    const graph = new Graph({ precision });
    const shape = [batchSize, model.config.contextLength];
    const ids = graph.input("ids", shape, { dtype: "u32" });
    const targets = graph.input("targets", shape, { dtype: "u32" });
    const loss = crossEntropy(graph, logitsOf("evaluate", model, graph, ids), targets);
    return new Evaluator(await compile(backend, graph, { keep: [loss] }), { ids, targets, loss });
  }

  /** Frees the program; the weights stay. */
  [Symbol.dispose](): void {
    this.#compiled[Symbol.dispose]();
  }

  /**
   * The mean loss over batches, in nats per token; NaN if there are none.
   * @param batches Each with as many sequences as the program was made for, of the model's context length.
   * @throws {OptionError} If a batch has another size.
   * @throws {Error} If another loss is being computed.
   */
  async meanLoss(batches: AsyncIterable<Batch>): Promise<number> {
    return await this.#exclusive.run("evaluate", () => this.#meanLoss(batches));
  }

  async #meanLoss(batches: AsyncIterable<Batch>): Promise<number> {
    const { ids, targets, loss } = this.#tensors;
    let sum = 0;
    let count = 0;
    for await (const batch of batches) {
      requireBatch("evaluate", batch, ids.size);
      await this.#compiled.set(ids, batch.ids).set(targets, batch.targets).run();
      sum += (await this.#compiled.read(loss))[0];
      count++;
    }
    return sum / count;
  }
}
