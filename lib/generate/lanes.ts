import type { Backend } from "../backend/backend.ts";
import { compile, type CompiledGraph } from "../graph/compiled_graph.ts";
import { Graph } from "../graph/graph.ts";
import { Tensor } from "../graph/tensor.ts";
import { writeRows } from "../ops/write_rows.ts";
import { type Decode, loadDecode } from "./decode.ts";
import type { DrawableIds } from "./drawable_ids.ts";
import { type KvCache, releaseLayers } from "../model/kv_cache.ts";
import type { CachingModel } from "../model/language_model.ts";

/** Sequences of equal length that go through the model together, one token each at a time. */
export class Lanes implements Disposable {
  readonly count: number;
  readonly decode: Decode;
  readonly #backend: Backend;
  readonly #layers: KvCache["layers"];
  readonly #fill: CompiledGraph;
  readonly #row: Tensor;

  private constructor(
    backend: Backend,
    layers: KvCache["layers"],
    decode: Decode,
    fill: CompiledGraph,
    row: Tensor,
  ) {
    [this.count] = layers[0].keys.shape;
    this.#backend = backend;
    this.#layers = layers;
    this.decode = decode;
    this.#fill = fill;
    this.#row = row;
  }

  /**
   * @param single The cache of one sequence, from which lanes are filled.
   * @param drawable The ids that may be chosen.
   */
  static async load(
    backend: Backend,
    model: CachingModel,
    single: KvCache["layers"],
    count: number,
    drawable: DrawableIds,
  ): Promise<Lanes> {
    const layers = model.createCache(count);
    using loaded = new DisposableStack();
    loaded.defer(() => releaseLayers(backend, layers));
    const decode = loaded.use(await loadDecode(backend, model, layers, drawable));
    const graph = new Graph();
    const row = graph.input("row", [1], { dtype: "u32" });
    layers.forEach(({ keys, values }, i) => {
      writeRows(graph, single[i].keys, row, asOneSequence(keys));
      writeRows(graph, single[i].values, row, asOneSequence(values));
    });
    const fill = await compile(backend, graph);
    loaded.move();
    return new Lanes(backend, layers, decode, fill, row);
  }

  /** Copies the single sequence's cache into a lane's. */
  async fill(lane: number): Promise<void> {
    const [, contextLength] = this.#layers[0].keys.shape;
    await this.#fill.set(this.#row, [lane * contextLength]).run();
  }

  /** Frees the lanes' caches and programs. */
  [Symbol.dispose](): void {
    this.decode[Symbol.dispose]();
    this.#fill[Symbol.dispose]();
    releaseLayers(this.#backend, this.#layers);
  }
}

/** (batch, rows, width) as (1, batch · rows, width). */
function asOneSequence({ name, shape: [batch, rows, width], placement }: Tensor): Tensor {
  return new Tensor(name, [1, batch * rows, width], { placement });
}
