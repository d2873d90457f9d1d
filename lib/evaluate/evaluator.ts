import type { Backend } from "../backend/backend.ts";
import { Exclusive } from "../backend/exclusive.ts";
import type { Batch } from "../dataset/batches.ts";
import { compile, type CompiledGraph } from "../graph/compiled_graph.ts";
import { Graph, type Precision } from "../graph/graph.ts";
import type { Tensor } from "../graph/tensor.ts";
import { type LanguageModel, logitsOf } from "../model/language_model.ts";
import { crossEntropy } from "../ops/cross_entropy.ts";
import { requireBatch, requireWeights } from "../model/require_batch.ts";

interface EvaluatorTensors {
  readonly ids: Tensor;
  readonly targets: Tensor;
  readonly weights?: Tensor;
  readonly loss: Tensor;
}

/** Options for an `Evaluator`. */
export interface EvaluatorOptions {
  /** Tokens per sequence; the model's context length by default. */
  readonly seqLen?: number;
  /** Whether batches have `weights`. Default: no. */
  readonly weighted?: boolean;
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
    { seqLen = model.config.contextLength, weighted = false }: EvaluatorOptions = {},
  ): Promise<Evaluator> {
    const graph = new Graph({ precision });
    const shape = [batchSize, seqLen];
    const ids = graph.input("ids", shape, { dtype: "u32" });
    const targets = graph.input("targets", shape, { dtype: "u32" });
    const weights = weighted ? graph.input("weights", shape) : undefined;
    const loss = crossEntropy(graph, logitsOf("evaluate", model, graph, ids), targets, { weights });
    return new Evaluator(await compile(backend, graph, { keep: [loss] }), { ids, targets, weights, loss });
  }

  /** Frees the program; the weights stay. */
  [Symbol.dispose](): void {
    this.#compiled[Symbol.dispose]();
  }

  /**
   * The mean loss over batches, in nats per token, the weighted one if targets have weights; NaN if there are none.
   * @param batches Each with as many sequences as the program was made for, of its length.
   * @throws {OptionError} If a batch has another size, or has no weights where it must.
   * @throws {Error} If another loss is being computed.
   */
  async meanLoss(batches: AsyncIterable<Batch>): Promise<number> {
    return await this.#exclusive.run("evaluate", () => this.#meanLoss(batches));
  }

  async #meanLoss(batches: AsyncIterable<Batch>): Promise<number> {
    const { ids, targets, weights, loss } = this.#tensors;
    let sum = 0;
    let count = 0;
    for await (const batch of batches) {
      requireBatch("evaluate", batch, ids.size);
      if (weights) this.#compiled.set(weights, requireWeights("evaluate", batch));
      await this.#compiled.set(ids, batch.ids).set(targets, batch.targets).run();
      const mean = (await this.#compiled.read(loss))[0];
      sum += weights ? mean * ids.size : mean;
      count += weights ? batch.weights!.reduce((sum, weight) => sum + weight, 0) : 1;
    }
    return sum / count;
  }
}
