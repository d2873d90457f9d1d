import type { Backend } from "../backend/backend.ts";
import type { Graph } from "../graph/graph.ts";
import { align } from "../graph/plan.ts";
import { viewOf } from "../graph/program.ts";
import { BYTES_PER_ELEMENT, Storage, Tensor } from "../graph/tensor.ts";
import { add } from "../ops/add.ts";
import { attention } from "../ops/attention.ts";
import { embedding } from "../ops/embedding.ts";
import { linear } from "../ops/linear.ts";
import { rmsnorm } from "../ops/rmsnorm.ts";
import { rope, ropeAngles, type RopeTables } from "../ops/rope.ts";
import { selectRows } from "../ops/select_rows.ts";
import { swiglu } from "../ops/swiglu.ts";
import { writeRows } from "../ops/write_rows.ts";
import { type ModelConfig, RMSNORM_EPS, validateModelConfig } from "./config.ts";
import type { KvCache } from "./kv_cache.ts";
import { ParameterLayout, parameterSpecs } from "./parameters.ts";

/** What generation adds to a forward pass. */
export interface ForwardOptions {
  /** Keys and values of earlier positions; without it the sequence starts at position 0. */
  readonly cache?: KvCache;
  /** (N) of type u32: compute logits for these rows of the (batch · seqLen) positions only. */
  readonly rows?: Tensor;
}

/**
 * A pre-norm decoder-only Transformer: RMSNorm, rotary positions, causal attention, SwiGLU feed-forward, no biases,
 * an output head of its own.
 */
export class Transformer {
  readonly config: ModelConfig;
  readonly parameters: ParameterLayout;
  readonly #rope: RopeTables;

  /** @throws {RangeError} If the configuration cannot work. */
  constructor(config: ModelConfig) {
    this.config = validateModelConfig(config);
    this.parameters = new ParameterLayout("parameters", parameterSpecs(config), true);
    this.#rope = ropeTables(config);
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
      x = add(graph, x, this.#attention(graph, x, i, options.cache));
      x = add(graph, x, this.#feedForward(graph, x, i));
    }
    // A row's norm and head do not depend on other rows, so rows can be dropped before them.
    if (options.rows) x = selectRows(graph, x, options.rows);
    x = rmsnorm(graph, x, this.parameters.part("ln_final.weight"), RMSNORM_EPS);
    return linear(graph, x, this.parameters.part("lm_head.weight"));
  }

  /** Writes the constants that the forward pass reads. Call it once on each backend, after the first `load`. */
  writeConstants(backend: Backend): void {
    const { contextLength, dModel, numHeads, ropeTheta } = this.config;
    const angles = ropeAngles(contextLength, dModel / numHeads, ropeTheta);
    const { cos, sin } = this.#rope;
    backend.write(viewOf(cos, cos.placement!), angles.cos);
    backend.write(viewOf(sin, sin.placement!), angles.sin);
  }

  #attention(graph: Graph, x: Tensor, layer: number, cache: KvCache | undefined): Tensor {
    const { dModel, numHeads } = this.config;
    const headDim = dModel / numHeads;
    const weight = (name: string) => this.parameters.part(`layers.${layer}.${name}.weight`);
    const tables = cache ? { ...this.#rope, start: cache.start } : this.#rope;
    const normed = rmsnorm(graph, x, weight("ln1"), RMSNORM_EPS);
    const q = rope(graph, linear(graph, normed, weight("attn.q_proj")), headDim, tables);
    let k = rope(graph, linear(graph, normed, weight("attn.k_proj")), headDim, tables);
    let v = linear(graph, normed, weight("attn.v_proj"));
    if (cache) {
      const { keys, values } = cache.layers[layer];
      writeRows(graph, k, cache.start, keys);
      writeRows(graph, v, cache.start, values);
      [k, v] = [keys, values];
    }
    const mixed = attention(graph, q, k, v, numHeads, tables.start);
    return linear(graph, mixed, weight("attn.output_proj"));
  }

  #feedForward(graph: Graph, x: Tensor, layer: number): Tensor {
    const weight = (name: string) => this.parameters.part(`layers.${layer}.${name}.weight`);
    const normed = rmsnorm(graph, x, weight("ln2"), RMSNORM_EPS);
    const gate = linear(graph, normed, weight("ffn.w1"));
    const up = linear(graph, normed, weight("ffn.w3"));
    return linear(graph, swiglu(graph, gate, up), weight("ffn.w2"));
  }
}

/** Tensors for the rotary tables, and a position 0 that is never written: storages start zeroed. */
function ropeTables({ contextLength, dModel, numHeads }: ModelConfig): RopeTables {
  const shape = [contextLength, dModel / numHeads / 2];
  const bytes = align(shape[0] * shape[1] * BYTES_PER_ELEMENT);
  const tables = new Storage("rope tables", 2 * bytes);
  const zero = new Storage("position zero", BYTES_PER_ELEMENT);
  return {
    cos: new Tensor("rope cos", shape, { placement: { storage: tables, byteOffset: 0 } }),
    sin: new Tensor("rope sin", shape, { placement: { storage: tables, byteOffset: bytes } }),
    start: new Tensor("position zero", [1], { dtype: "u32", placement: { storage: zero, byteOffset: 0 } }),
  };
}
