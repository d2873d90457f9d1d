import type { Backend } from "../backend/backend.ts";
import { compile, type CompiledGraph } from "../graph/compiled_graph.ts";
import { Graph } from "../graph/graph.ts";
import { Tensor } from "../graph/tensor.ts";
import { writeRows } from "../ops/write_rows.ts";
import type { KvCache } from "../model/kv_cache.ts";

/** Copies one sequence's cache into that of a lane. */
export class LaneFill implements Disposable {
  readonly #contextLength: number;
  readonly #compiled: CompiledGraph;
  readonly #row: Tensor;

  private constructor(contextLength: number, compiled: CompiledGraph, row: Tensor) {
    this.#contextLength = contextLength;
    this.#compiled = compiled;
    this.#row = row;
  }

  /**
   * Loads the program.
   * @param single The cache of one sequence, from which lanes are filled.
   * @param layers The lanes' caches.
   */
  static async load(backend: Backend, single: KvCache["layers"], layers: KvCache["layers"]): Promise<LaneFill> {
    const [, contextLength] = layers[0].keys.shape;
    const { graph, row } = traceLaneFill(single, layers);
    return new LaneFill(contextLength, await compile(backend, graph), row);
  }

  /** Copies all of it. */
  async fill(lane: number): Promise<void> {
    await this.#compiled.set(this.#row, [lane * this.#contextLength]).run();
  }

  /** Frees the program; the caches stay. */
  [Symbol.dispose](): void {
    this.#compiled[Symbol.dispose]();
  }
}

/** Traces the program; `row` is the first of the lane's rows, if all lanes are one sequence. */
export function traceLaneFill(
  single: KvCache["layers"],
  layers: KvCache["layers"],
): { readonly graph: Graph; readonly row: Tensor } {
  const graph = new Graph();
  const row = graph.input("row", [1], { dtype: "u32" });
  layers.forEach(({ keys, values }, i) => {
    writeRows(graph, single[i].keys, row, asOneSequence(keys));
    writeRows(graph, single[i].values, row, asOneSequence(values));
  });
  return { graph, row };
}

/** (batch, rows, width) as (1, batch · rows, width). */
function asOneSequence({ name, shape: [batch, rows, width], placement }: Tensor): Tensor {
  return new Tensor(name, [1, batch * rows, width], { placement });
}
