// An architecture that is not the library's, made of what the public API exports.
import { DeviceStorage, type Graph, Tensor } from "../../lib/graph/mod.ts";
import { type ForwardOptions, type KvCache, ParameterLayout } from "../../lib/model/mod.ts";
import { add, attention, embedding, linear, rmsnorm, selectRows, swiglu, writeRows } from "../../lib/ops/mod.ts";
import type { Backend, LanguageModel } from "../../mod.ts";

/** What it is built from. */
export const GATED = { architecture: "gated", vocabSize: 11, contextLength: 12, width: 16, numLayers: 2, numHeads: 2 };

/** Attention alone, and what it adds to the residual stream goes through a gate: x + silu(W x) ⊙ attention(norm(x)). */
export class Gated implements LanguageModel {
  readonly parameters: ParameterLayout;

  constructor(readonly config: typeof GATED) {
    const { vocabSize, width, numLayers } = config;
    const layers = Array.from({ length: numLayers }, (_, i) => [
      { name: `layers.${i}.norm.weight`, shape: [width] },
      ...["q", "k", "v", "gate"].map((name) => ({ name: `layers.${i}.${name}.weight`, shape: [width, width] })),
    ]);
    const [first, last] = ["token_embeddings.weight", "lm_head.weight"].map((name) => ({
      name,
      shape: [vocabSize, width],
    }));
    this.parameters = new ParameterLayout("parameters", [first, ...layers.flat(), last], true);
  }

  forward(graph: Graph, ids: Tensor): Tensor {
    // Inputs that are never written are zeros: every sequence starts at position 0.
    const start = graph.input("start", [1], { dtype: "u32" });
    return this.pass(graph, ids, (q, k, v) => attention(graph, q, k, v, this.config.numHeads, start));
  }

  release(backend: Backend): void {
    this.parameters.release(backend);
  }

  /** @param mix Attention of queries, keys and values (batch, seqLen, width) of a layer. */
  protected pass(
    graph: Graph,
    ids: Tensor,
    mix: (q: Tensor, k: Tensor, v: Tensor, layer: number) => Tensor,
  ): Tensor {
    const weight = (name: string) => this.parameters.part(`${name}.weight`);
    let x = embedding(graph, ids, weight("token_embeddings"));
    for (let i = 0; i < this.config.numLayers; i++) {
      const normed = rmsnorm(graph, x, weight(`layers.${i}.norm`), 1e-5);
      const [q, k, v] = ["q", "k", "v"].map((name) => linear(graph, normed, weight(`layers.${i}.${name}`)));
      const gate = linear(graph, x, weight(`layers.${i}.gate`));
      x = add(graph, x, swiglu(graph, gate, mix(q, k, v, i)));
    }
    return linear(graph, x, weight("lm_head"));
  }
}

/** The same with a cache. */
export class GatedWithCache extends Gated {
  createCache(sequences: number): KvCache["layers"] {
    const { contextLength, width, numLayers } = this.config;
    const cached = (name: string) =>
      new Tensor(name, [sequences, contextLength, width], {
        placement: { storage: new DeviceStorage(name, 4 * sequences * contextLength * width), byteOffset: 0 },
      });
    return Array.from({ length: numLayers }, () => ({ keys: cached("keys"), values: cached("values") }));
  }

  override forward(graph: Graph, ids: Tensor, { cache, rows }: ForwardOptions = {}): Tensor {
    if (cache === undefined) return super.forward(graph, ids);
    const logits = this.pass(graph, ids, (q, k, v, layer) => {
      const { keys, values } = cache.layers[layer];
      writeRows(graph, k, cache.start, keys);
      writeRows(graph, v, cache.start, values);
      return attention(graph, q, keys, values, this.config.numHeads, cache.start);
    });
    return rows ? selectRows(graph, logits, rows) : logits;
  }
}
