// The forward pass and the loss of each token, without gradients.
import { formatBinary } from "../accounting/units.ts";
import type { Backend } from "../backend/backend.ts";
import { option, OptionError, say, UserError } from "../errors.ts";
import { compile, type CompiledGraph } from "../graph/compiled_graph.ts";
import { Graph, type Precision } from "../graph/graph.ts";
import { bytesOf, type Tensor } from "../graph/tensor.ts";
import { type LanguageModel, logitsOf } from "../model/language_model.ts";
import { claimModel } from "../model/model_in_training.ts";
import { type WeightSource, writeWeights } from "../model/weights.ts";
import { tokenLosses } from "../ops/cross_entropy.ts";

/** What a scorer's program is made for. */
export interface ScorerOptions {
  /** Rows that go through the model together. */
  readonly batchSize: number;
  /** Tokens per row. */
  readonly seqLen: number;
  /** The format that the model computes in; `"f32"` by default. */
  readonly precision?: Precision;
  /** Weights to write before the first run. By default, the model's weights are on the backend already. */
  readonly weights?: WeightSource;
}

/** Computes the loss of each token of rows. It owns its program, but not the model's weights. */
export class Scorer implements Disposable {
  readonly #compiled: CompiledGraph;
  readonly #ids: Tensor;
  readonly #targets: Tensor;
  readonly #losses: Tensor;

  private constructor(
    compiled: CompiledGraph,
    { ids, targets, losses }: { readonly ids: Tensor; readonly targets: Tensor; readonly losses: Tensor },
  ) {
    this.#compiled = compiled;
    this.#ids = ids;
    this.#targets = targets;
    this.#losses = losses;
  }

  /**
   * Loads the program, and writes the weights if they are given.
   *
   * @throws {UserError} If the weights alone take more memory than the backend can address.
   * @throws {OptionError} If the batch size is not a whole number of at least 1, or that many rows do not fit on the
   *   backend; or if the precision is f16 and the weights are kept in bf16 or int8.
   * @throws {Error} If weights are given, but this model is being trained on this backend.
   */
  static async create(backend: Backend, model: LanguageModel, options: ScorerOptions): Promise<Scorer> {
    const { batchSize, seqLen, precision, weights } = options;
    const { weightsDtype } = model.parameters;
    if (precision === "f16" && weightsDtype !== "f32") {
      throw new OptionError(
        say`Cannot score: got ${option("dtype", "f16")} with ${
          option("weightsDtype", weightsDtype)
        }, must be one of them: such weights are computed with in f32`,
      );
    }
    requireRoomForWeights(backend, model);
    requireRoomFor(options, backend, model);
    const graph = new Graph({ precision });
    const shape = [batchSize, seqLen];
    const ids = graph.input("ids", shape, { dtype: "u32" });
    const targets = graph.input("targets", shape, { dtype: "u32" });
    const losses = tokenLosses(graph, logitsOf("score", model, graph, ids), targets);
    using loaded = new DisposableStack();
    const compiled = loaded.use(await compile(backend, graph, { keep: [losses] }));
    if (weights) {
      using _claim = claimModel("score", backend, model);
      await writeWeights(backend, model, weights);
    }
    loaded.move();
    return new Scorer(compiled, { ids, targets, losses });
  }

  /** Sets the tokens of a row, from its first on; what lies after them stays as it was. */
  setRow(row: number, ids: Uint16Array | Uint32Array, targets: Uint16Array | Uint32Array): void {
    this.#compiled.set(this.#ids, ids, row * this.#ids.lastDim);
    this.#compiled.set(this.#targets, targets, row * this.#targets.lastDim);
  }

  /** −log p of each target, (batchSize · seqLen), in nats. */
  async losses(): Promise<ArrayLike<number>> {
    await this.#compiled.run();
    return await this.#compiled.read(this.#losses);
  }

  /** Frees the program; the weights stay. */
  [Symbol.dispose](): void {
    this.#compiled[Symbol.dispose]();
  }
}

/**
 * @param name What is scored, for the message.
 * @throws {UserError} If a sum of losses is NaN or infinite.
 */
export function requireFinite(nats: number, name: string): void {
  if (Number.isFinite(nats)) return;
  throw new UserError(
    `Cannot score ${name}: got a loss of ${nats}, must be finite: the model's weights give no probabilities. ` +
      "Use those of an earlier checkpoint, or the best ones",
  );
}

/** @throws {UserError} If an id is outside the vocabulary of the model. */
export function requireInVocabulary(ids: Uint16Array | Uint32Array, vocabSize: number, name: string): void {
  const beyond = ids.find((id) => id >= vocabSize);
  if (beyond === undefined) return;
  throw new UserError(
    `Cannot score ${name}: got token id ${beyond}, must be below the model's vocabulary size ` +
      `${vocabSize}. Encode the text with this model's tokenizer`,
  );
}

/** Kernels count an array's elements in 32 bits. */
const MAX_ELEMENTS = 2 ** 32 - 1;

/** Refuses what cannot fit because of the largest array beside the weights; loading shows whether the rest fits. */
function requireRoomFor({ batchSize, seqLen, precision }: ScorerOptions, backend: Backend, model: LanguageModel): void {
  const { vocabSize } = model.config;
  const shapes = model.parameters.specs.map(({ shape }) => shape);
  const bytesOfLogits = bytesOf({ size: seqLen * vocabSize, dtype: precision === "f16" ? "f16" : "f32" });
  const bytes = (backend.totalBytes ?? Infinity) - model.parameters.bytes;
  // No matrix turns a position into an array wider than the matrix.
  const elements = seqLen * Math.max(vocabSize, ...shapes.flat());
  const most = Math.max(1, Math.floor(Math.min(MAX_ELEMENTS / elements, bytes / bytesOfLogits)));
  if (Number.isSafeInteger(batchSize) && batchSize >= 1 && batchSize <= most) return;
  throw new OptionError(
    `Cannot score: got a batch size of ${batchSize}, must be a whole number from 1 to ${most}: the logits of more windows do not fit on ${backend.description}. Lower it`,
  );
}

/** Refuses weights that take more memory than there can be, and says which would fit better. */
function requireRoomForWeights({ totalBytes = Infinity, description }: Backend, { parameters }: LanguageModel): void {
  const { bytes, weightsDtype } = parameters;
  if (bytes <= totalBytes) return;
  throw new UserError(
    say`Cannot score: got ${formatBinary(bytes)} of weights in ${weightsDtype}, must be at most the ${
      formatBinary(totalBytes)
    } that ${description} can address. Use ${
      weightsDtype === "int8" ? "a smaller model" : option("weightsDtype", "int8")
    }`,
  );
}
