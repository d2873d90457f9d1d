import type { Backend } from "../backend/backend.ts";
import { compile, type CompiledGraph } from "../graph/compiled_graph.ts";
import { Graph } from "../graph/graph.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { KvCache } from "../model/kv_cache.ts";
import type { LanguageModel } from "../model/language_model.ts";

interface Inputs {
  readonly ids: Tensor;
  readonly start: Tensor;
  readonly rows: Tensor;
}

/** A forward pass over a number of tokens of each sequence, at a position given at run time. */
export class CachedForward implements Disposable {
  /** The most tokens of each sequence in one run. */
  readonly tokens: number;
  readonly #compiled: CompiledGraph;
  readonly #inputs: Inputs;
  readonly #logits: Tensor;
  readonly #everyRow: boolean;

  private constructor(compiled: CompiledGraph, inputs: Inputs, logits: Tensor, everyRow: boolean) {
    this.#everyRow = everyRow;
    this.tokens = inputs.ids.lastDim;
    this.#compiled = compiled;
    this.#inputs = inputs;
    this.#logits = logits;
  }

  /**
   * Loads the program. `layers` decides the number of sequences.
   * @param everyRow Whether it computes the logits after each token, not only after the last one.
   */
  static async load(
    backend: Backend,
    model: LanguageModel,
    layers: KvCache["layers"],
    tokens: number,
    everyRow = false,
  ): Promise<CachedForward> {
    const { graph, inputs, logits } = traceCachedForward(model, layers, tokens, everyRow);
    return new CachedForward(await compile(backend, graph, { keep: [logits] }), inputs, logits, everyRow);
  }

  /**
   * Runs tokens at a position; returns the logits after the last, (batch, vocabSize), or those after each, (batch ·
   * tokens, vocabSize), if it was loaded for every row. A part that is shorter than the program is padded. The padding's
   * keys come after the part's, and are overwritten before any query can see them.
   *
   * @param parts The same number of tokens of each sequence.
   */
  async run(parts: readonly (readonly number[])[], start: number): Promise<Float32Array> {
    const compiled = this.#compiled;
    const { ids, start: position, rows } = this.#inputs;
    compiled.input(ids).fill(0);
    parts.forEach((part, i) => compiled.set(ids, part, i * this.tokens));
    compiled.set(position, [start]);
    if (this.#everyRow) compiled.set(rows, Uint32Array.from({ length: rows.size }, (_, i) => i));
    else compiled.set(rows, parts.map((part, i) => i * this.tokens + part.length - 1));
    await compiled.run();
    return await compiled.readFloats(this.#logits);
  }

  /** Frees what only this program uses; the cache stays. */
  [Symbol.dispose](): void {
    this.#compiled[Symbol.dispose]();
  }
}

/**
 * Traces the program. `layers` decides the number of sequences.
 * @param everyRow Whether each token is to have logits.
 */
export function traceCachedForward(
  model: LanguageModel,
  layers: KvCache["layers"],
  tokens: number,
  everyRow = false,
): { readonly graph: Graph; readonly inputs: Inputs; readonly logits: Tensor } {
  const [batch] = layers[0].keys.shape;
  const graph = new Graph();
  const inputs = {
    ids: graph.input("ids", [batch, tokens], { dtype: "u32" }),
    start: graph.input("start", [1], { dtype: "u32" }),
    rows: graph.input("rows", [everyRow ? batch * tokens : batch], { dtype: "u32" }),
  };
  const logits = model.forward(graph, inputs.ids, { cache: { start: inputs.start, layers }, rows: inputs.rows });
  return { graph, inputs, logits };
}
