import type { Backend } from "../backend/backend.ts";
import { releaseTensors } from "../backend/release.ts";
import type { Graph } from "../graph/graph.ts";
import { BYTES_PER_ELEMENT, DeviceStorage, Tensor } from "../graph/tensor.ts";
import { add } from "../ops/add.ts";
import { addEmbedding } from "../ops/add_embedding.ts";
import { addPositions } from "../ops/add_positions.ts";
import { attention } from "../ops/attention.ts";
import { dropout } from "../ops/dropout.ts";
import { embedding } from "../ops/embedding.ts";
import { geglu, gelu } from "../ops/gelu.ts";
import { layernorm } from "../ops/layernorm.ts";
import { linear } from "../ops/linear.ts";
import { lowRankLinear } from "../ops/low_rank_linear.ts";
import { reluSquared } from "../ops/relu_squared.ts";
import { reshape } from "../ops/reshape.ts";
import { rmsnorm } from "../ops/rmsnorm.ts";
import { rope, type RopeTables } from "../ops/rope.ts";
import { scale } from "../ops/scale.ts";
import { softCap } from "../ops/soft_cap.ts";
import { selectRows } from "../ops/select_rows.ts";
import type { WeightsDType } from "../ops/quantize.ts";
import { silu } from "../ops/silu.ts";
import { swiglu } from "../ops/swiglu.ts";
import { writeRows } from "../ops/write_rows.ts";
import { type FullArchitecture, withDefaults } from "./architecture.ts";
import { type ModelConfig, validateModelConfig } from "./config.ts";
import { type KvCache, kvCacheLayers } from "./kv_cache.ts";
import type { ForwardOptions, LanguageModel } from "./language_model.ts";
import { adapterNames, adapterSpecs, loraFactor, type LoraOptions } from "./lora.ts";
import { ParameterLayout, parameterSpecs } from "./parameters.ts";
import { modelRopeTables } from "./rope_tables.ts";

/** Options for a Transformer. */
export interface TransformerOptions {
  /**
   * What the weights of linear maps and embeddings are kept in on a device; norms are always f32. In `"bf16"` they take
   * half of the memory, in `"int8"` a quarter, and such a model can generate and be evaluated, but not be trained.
   * Default: `"f32"`.
   */
  readonly weightsDtype?: WeightsDType;
  /** Low-rank adapters beside the weights, which come after these among the parameters. Default: none. */
  readonly lora?: LoraOptions;
}

/**
 * A decoder-only Transformer: by default RMSNorm before each sublayer, rotary positions, causal attention, a SwiGLU
 * feed-forward, an output head of its own and no biases. The configuration can change each of these.
 *
 * The first program that uses its parameters puts them on a backend. All others share them: a trainer, an evaluator, a
 * generator. None of these frees them. Call `release` for that, if the backend stays in use.
 */
export class Transformer implements LanguageModel {
  /** The shape that it was made from. */
  readonly config: ModelConfig;
  /** Embeddings and sublayers' outputs can be dropped in training, as in GPT-2 but for attention's weights. */
  readonly canDrop = true;
  /** It does. */
  readonly canPart = true;
  /** The weights, as one storage and its parts. */
  readonly parameters: ParameterLayout;
  /** The configuration with its defaults. */
  readonly #full: ModelConfig & FullArchitecture;
  readonly #rope: Pick<RopeTables, "cos" | "sin"> | undefined;
  readonly #adapterFactor: number | undefined;
  /** A position 0 that is never written: storages start zeroed. */
  readonly #zero = new Tensor("position zero", [1], {
    dtype: "u32",
    placement: { storage: new DeviceStorage("position zero", BYTES_PER_ELEMENT), byteOffset: 0 },
  });

  /**
   * Names its parameters. They take no memory until a program that uses them is loaded.
   *
   * @throws {RangeError} If the configuration cannot work, or has no such adapters.
   */
  constructor(config: ModelConfig, { weightsDtype = "f32", lora }: TransformerOptions = {}) {
    this.config = validateModelConfig(config);
    this.#full = withDefaults(config);
    const specs = [...parameterSpecs(config), ...(lora ? adapterSpecs(config, lora) : [])];
    this.parameters = new ParameterLayout("parameters", specs, weightsDtype === "f32", weightsDtype);
    this.#adapterFactor = lora && loraFactor(lora);
    this.#rope = this.#full.position === "rope" ? modelRopeTables(config) : undefined;
  }

  /**
   * Appends the forward pass.
   *
   * @param ids (batch, seqLen) of type u32
   * @returns Logits: (batch, seqLen, vocabSize), or (N, vocabSize) for `options.rows`.
   */
  forward(graph: Graph, ids: Tensor, options: ForwardOptions = {}): Tensor {
    const drop = dropperOf(graph, options.dropout);
    let x = drop(this.#embed(graph, ids, options.cache));
    for (let i = 0; i < this.config.numLayers; i++) x = this.#block(graph, x, ids, i, options.cache, drop);
    // A row's norm and head do not depend on other rows, so rows can be dropped before them.
    if (options.rows) x = selectRows(graph, x, options.rows);
    x = this.#norm(graph, x, "ln_final");
    const head = this.config.tieEmbeddings ? "token_embeddings" : "lm_head";
    const logits = linear(graph, x, this.parameters.part(`${head}.weight`));
    const { logitSoftCap } = this.#full;
    return logitSoftCap === undefined ? logits : softCap(graph, logits, logitSoftCap, { overwriteInput: true });
  }

  /** Makes the arrays of a cache: rotated keys and values of each layer. */
  createCache(sequences: number): KvCache["layers"] {
    return kvCacheLayers(this.config, sequences);
  }

  /** Frees the parameters and constants on a backend. Programs of the model that are loaded there can no longer run. */
  release(backend: Backend): void {
    const tables = this.#rope ? [this.#rope.cos, this.#rope.sin] : [];
    releaseTensors(backend, [this.parameters.flat, this.#zero, ...tables]);
  }

  #embed(graph: Graph, ids: Tensor, cache: KvCache | undefined): Tensor {
    const { embeddingScale = 1, position } = this.#full;
    const tokens = embedding(graph, ids, this.parameters.part("token_embeddings.weight"));
    const x = embeddingScale === 1 ? tokens : scale(graph, tokens, embeddingScale);
    if (position !== "learned") return x;
    const table = this.parameters.part("position_embeddings.weight");
    const start = cache?.start ?? this.#zero;
    if (start.size > 1) return add(graph, x, reshape(graph, embedding(graph, start, table), x.shape));
    return addPositions(graph, x, table, start);
  }

  #block(
    graph: Graph,
    x: Tensor,
    ids: Tensor,
    layer: number,
    cache: KvCache | undefined,
    drop: (y: Tensor) => Tensor,
  ): Tensor {
    const name = `layers.${layer}`;
    const attend = (input: Tensor) =>
      drop(this.#attention(graph, input, ids, `${name}.attn`, cache?.start, cache?.layers[layer]));
    const feed = (input: Tensor) => drop(this.#feedForward(graph, input, `${name}.ffn`));
    if (!this.#full.parallelBlocks) {
      const attended = this.#sublayer(graph, x, `${name}.ln1`, attend);
      return this.#sublayer(graph, attended, `${name}.ln2`, feed);
    }
    const attended = attend(this.#norm(graph, x, `${name}.ln1`));
    const fed = feed(this.#norm(graph, x, `${name}.ln2`));
    return add(graph, add(graph, x, attended), fed);
  }

  /** A sublayer beside the residual stream, with the norm before it, after it, or after both. */
  #sublayer(graph: Graph, x: Tensor, norm: string, body: (input: Tensor) => Tensor): Tensor {
    switch (this.#full.normPlace) {
      case "pre":
        return add(graph, x, body(this.#norm(graph, x, norm)));
      case "post":
        return this.#norm(graph, add(graph, x, body(x)), norm);
      case "output":
        return add(graph, x, this.#norm(graph, body(x), norm));
    }
  }

  #norm(graph: Graph, x: Tensor, name: string): Tensor {
    const { norm, normEps } = this.#full;
    if (norm === "none") return x;
    const weight = this.parameters.part(`${name}.weight`);
    if (norm === "rms") return rmsnorm(graph, x, weight, normEps);
    return layernorm(graph, x, weight, this.parameters.part(`${name}.bias`), normEps);
  }

  /** A linear map, with its bias and its low-rank adapter if there are such. */
  #linear(graph: Graph, x: Tensor, name: string): Tensor {
    const { parts } = this.parameters;
    const [weight, bias] = [this.parameters.part(`${name}.weight`), parts.get(`${name}.bias`)];
    const [down, up] = Object.values(adapterNames(name)).map((adapter) => parts.get(adapter));
    if (down === undefined || up === undefined) return linear(graph, x, weight, bias);
    return lowRankLinear(graph, x, weight, { down, up, factor: this.#adapterFactor! }, bias);
  }

  #attention(
    graph: Graph,
    x: Tensor,
    ids: Tensor,
    name: string,
    start = this.#zero,
    cached: KvCache["layers"][number] | undefined,
  ): Tensor {
    const { numHeads, numKeyValueHeads, slidingWindow, headDim } = this.#full;
    const rotate = (y: Tensor) => this.#rope ? rope(graph, y, headDim, { ...this.#rope, start }) : y;
    const q = rotate(this.#headNorm(graph, this.#linear(graph, x, `${name}.q_proj`), `${name}.q_norm`));
    let k = rotate(this.#headNorm(graph, this.#linear(graph, x, `${name}.k_proj`), `${name}.k_norm`));
    let v = this.#linear(graph, x, `${name}.v_proj`);
    const valueEmbeddings = this.parameters.parts.get(`${name}.value_embeddings.weight`);
    if (valueEmbeddings) v = addEmbedding(graph, v, ids, valueEmbeddings);
    if (cached) {
      writeRows(graph, k, start, cached.keys);
      writeRows(graph, v, start, cached.values);
      [k, v] = [cached.keys, cached.values];
    }
    const mixed = attention(graph, q, k, v, numHeads, start, { numKeyValueHeads, slidingWindow });
    return this.#linear(graph, mixed, `${name}.output_proj`);
  }

  /** The norm of queries or keys: of each head, or of all together. */
  #headNorm(graph: Graph, x: Tensor, name: string): Tensor {
    const { qkNorm, normEps, headDim } = this.#full;
    if (qkNorm === "none") return x;
    const weight = this.parameters.part(`${name}.weight`);
    if (qkNorm === "width") return rmsnorm(graph, x, weight, normEps);
    const heads = reshape(graph, x, [x.rows, x.lastDim / headDim, headDim]);
    return reshape(graph, rmsnorm(graph, heads, weight, normEps), x.shape);
  }

  #feedForward(graph: Graph, x: Tensor, name: string): Tensor {
    const w1 = this.#linear(graph, x, `${name}.w1`);
    return this.#linear(graph, this.#hidden(graph, w1, () => this.#linear(graph, x, `${name}.w3`)), `${name}.w2`);
  }

  /** The feed-forward's hidden layer. @param up Appends the second map of the input, for a gate. */
  #hidden(graph: Graph, w1: Tensor, up: () => Tensor): Tensor {
    switch (this.#full.ffn) {
      case "swiglu":
        return swiglu(graph, w1, up());
      case "silu":
        return silu(graph, w1);
      case "geglu":
        return geglu(graph, w1, up());
      case "gelu":
        return gelu(graph, w1);
      case "gelu_erf":
        return gelu(graph, w1, { form: "erf" });
      case "relu_squared":
        return reluSquared(graph, w1);
    }
  }
}

/** What drops elements of the embeddings and of each sublayer's output, each at a site of its own; or leaves them. */
function dropperOf(graph: Graph, options: ForwardOptions["dropout"]): (x: Tensor) => Tensor {
  if (options === undefined) return (x) => x;
  let site = 0;
  return (x) => dropout(graph, x, { ...options, site: site++ });
}
