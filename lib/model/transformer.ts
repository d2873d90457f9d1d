import type { Backend } from "../backend/backend.ts";
import { releaseTensors } from "../backend/release.ts";
import type { Graph } from "../graph/graph.ts";
import { align } from "../graph/plan.ts";
import { BYTES_PER_ELEMENT, DeviceStorage, Tensor } from "../graph/tensor.ts";
import { add } from "../ops/add.ts";
import { attention } from "../ops/attention.ts";
import { embedding } from "../ops/embedding.ts";
import { linear } from "../ops/linear.ts";
import { rmsnorm } from "../ops/rmsnorm.ts";
import { rope, ropeAngles, type RopeTables } from "../ops/rope.ts";
import { selectRows } from "../ops/select_rows.ts";
import type { WeightsDType } from "../ops/quantize.ts";
import { silu } from "../ops/silu.ts";
import { swiglu } from "../ops/swiglu.ts";
import { writeRows } from "../ops/write_rows.ts";
import { type ModelConfig, RMSNORM_EPS, validateModelConfig } from "./config.ts";
import { type KvCache, kvCacheLayers } from "./kv_cache.ts";
import type { ForwardOptions, LanguageModel } from "./language_model.ts";
import { ParameterLayout, parameterSpecs } from "./parameters.ts";

/** Options for a Transformer. */
export interface TransformerOptions {
  /**
   * What the weights of linear maps and embeddings are kept in on a device; norms are always f32. In `"bf16"` they take
   * half of the memory, in `"int8"` a quarter, and such a model can generate and be evaluated, but not be trained.
   * Default: `"f32"`.
   */
  readonly weightsDtype?: WeightsDType;
}

/**
 * A decoder-only Transformer without biases: RMSNorm before each sublayer, rotary positions, causal attention, a SwiGLU
 * feed-forward and an output head of its own. The configuration can change each of these.
 *
 * The first program that uses its parameters puts them on a backend. All others share them: a trainer, an evaluator, a
 * generator. None of these frees them. Call `release` for that, if the backend stays in use.
 */
export class Transformer implements LanguageModel {
  /** The shape that it was made from. */
  readonly config: ModelConfig;
  /** The weights, as one storage and its parts. */
  readonly parameters: ParameterLayout;
  readonly #rope: Pick<RopeTables, "cos" | "sin"> | undefined;
  /** A position 0 that is never written: storages start zeroed. */
  readonly #zero = new Tensor("position zero", [1], {
    dtype: "u32",
    placement: { storage: new DeviceStorage("position zero", BYTES_PER_ELEMENT), byteOffset: 0 },
  });

  /**
   * Names its parameters. They take no memory until a program that uses them is loaded.
   *
   * @throws {RangeError} If the configuration cannot work.
   */
  constructor(config: ModelConfig, { weightsDtype = "f32" }: TransformerOptions = {}) {
    this.config = validateModelConfig(config);
    this.parameters = new ParameterLayout("parameters", parameterSpecs(config), weightsDtype === "f32", weightsDtype);
    this.#rope = config.position === "none" ? undefined : ropeTables(config);
  }

  /**
   * Appends the forward pass.
   *
   * @param ids (batch, seqLen) of type u32
   * @returns Logits: (batch, seqLen, vocabSize), or (N, vocabSize) for `options.rows`.
   */
  forward(graph: Graph, ids: Tensor, options: ForwardOptions = {}): Tensor {
    let x = embedding(graph, ids, this.parameters.part("token_embeddings.weight"));
    for (let i = 0; i < this.config.numLayers; i++) {
      x = this.#sublayer(graph, x, `layers.${i}.ln1`, (input) => this.#attention(graph, input, i, options.cache));
      x = this.#sublayer(graph, x, `layers.${i}.ln2`, (input) => this.#feedForward(graph, input, i));
    }
    // A row's norm and head do not depend on other rows, so rows can be dropped before them.
    if (options.rows) x = selectRows(graph, x, options.rows);
    x = this.#norm(graph, x, "ln_final");
    const head = this.config.tieEmbeddings ? "token_embeddings" : "lm_head";
    return linear(graph, x, this.parameters.part(`${head}.weight`));
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

  /** A sublayer beside the residual stream, with the norm before it or after both. */
  #sublayer(graph: Graph, x: Tensor, norm: string, body: (input: Tensor) => Tensor): Tensor {
    if (this.config.normPlace === "post") return this.#norm(graph, add(graph, x, body(x)), norm);
    return add(graph, x, body(this.#norm(graph, x, norm)));
  }

  #norm(graph: Graph, x: Tensor, name: string): Tensor {
    return this.config.norm === "none" ? x : rmsnorm(graph, x, this.parameters.part(`${name}.weight`), RMSNORM_EPS);
  }

  #attention(graph: Graph, x: Tensor, layer: number, cache: KvCache | undefined): Tensor {
    const { dModel, numHeads } = this.config;
    const headDim = dModel / numHeads;
    const weight = (name: string) => this.parameters.part(`layers.${layer}.${name}.weight`);
    const start = cache?.start ?? this.#zero;
    const rotate = (y: Tensor) => this.#rope ? rope(graph, y, headDim, { ...this.#rope, start }) : y;
    const q = rotate(linear(graph, x, weight("attn.q_proj")));
    let k = rotate(linear(graph, x, weight("attn.k_proj")));
    let v = linear(graph, x, weight("attn.v_proj"));
    if (cache) {
      const { keys, values } = cache.layers[layer];
      writeRows(graph, k, cache.start, keys);
      writeRows(graph, v, cache.start, values);
      [k, v] = [keys, values];
    }
    const mixed = attention(graph, q, k, v, numHeads, start);
    return linear(graph, mixed, weight("attn.output_proj"));
  }

  #feedForward(graph: Graph, x: Tensor, layer: number): Tensor {
    const weight = (name: string) => this.parameters.part(`layers.${layer}.${name}.weight`);
    const gate = linear(graph, x, weight("ffn.w1"));
    const hidden = this.config.ffn === "silu"
      ? silu(graph, gate)
      : swiglu(graph, gate, linear(graph, x, weight("ffn.w3")));
    return linear(graph, hidden, weight("ffn.w2"));
  }
}

/** The rotary tables, one after the other in a storage that holds them wherever it is loaded. */
function ropeTables({ contextLength, dModel, numHeads, ropeTheta }: ModelConfig): Pick<RopeTables, "cos" | "sin"> {
  const headDim = dModel / numHeads;
  const shape = [contextLength, headDim / 2];
  const bytes = align(shape[0] * shape[1] * BYTES_PER_ELEMENT);
  const tables = new DeviceStorage("rope tables", 2 * bytes, () => {
    const { cos, sin } = ropeAngles(contextLength, headDim, ropeTheta);
    const contents = new Float32Array(2 * bytes / BYTES_PER_ELEMENT);
    contents.set(cos);
    contents.set(sin, bytes / BYTES_PER_ELEMENT);
    return contents;
  });
  return {
    cos: new Tensor("rope cos", shape, { placement: { storage: tables, byteOffset: 0 } }),
    sin: new Tensor("rope sin", shape, { placement: { storage: tables, byteOffset: bytes } }),
  };
}
