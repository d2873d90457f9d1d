import type { Backend } from "../backend/backend.ts";
import { compile, type CompiledGraph } from "../graph/compiled_graph.ts";
import { Graph } from "../graph/graph.ts";
import type { Tensor } from "../graph/tensor.ts";
import { selectRows } from "../ops/select_rows.ts";
import type { Decode } from "./decode.ts";
import { type LanguageModel, logitsOf } from "../model/language_model.ts";
import type { SequenceLanes, Sequences } from "./sequences.ts";

/** Without a cache: a forward pass over the whole context for each token of each sequence. */
export class WholeSequences implements Sequences, SequenceLanes {
  readonly decode: Decode;
  readonly held: readonly number[] = [];
  readonly #compiled: CompiledGraph;
  readonly #ids: Tensor;
  readonly #row: Tensor;
  readonly #logits: Tensor;

  private constructor(compiled: CompiledGraph, ids: Tensor, row: Tensor, logits: Tensor) {
    this.#compiled = compiled;
    this.#ids = ids;
    this.#row = row;
    this.#logits = logits;
    this.decode = {
      run: async (texts) => {
        const next: number[][] = [];
        for (const text of texts) next.push(text.isOver ? [] : [text.choose(await this.feed(text.context))]);
        return next;
      },
      // It owns nothing.
      [Symbol.dispose]: () => {},
    };
  }

  /** Loads the program. */
  static async load(backend: Backend, model: LanguageModel): Promise<WholeSequences> {
    const { graph, ids, row, logits } = traceWholeSequence(model);
    return new WholeSequences(await compile(backend, graph, { keep: [logits] }), ids, row, logits);
  }

  async feed(tokens: readonly number[]): Promise<Float32Array> {
    // The tokens are followed by padding: no position sees those after it.
    this.#compiled.input(this.#ids).fill(0);
    await this.#compiled.set(this.#ids, tokens).set(this.#row, [tokens.length - 1]).run();
    return await this.#compiled.readFloats(this.#logits);
  }

  async feedAll(tokens: readonly number[]): Promise<Float32Array> {
    const rows: Float32Array[] = [];
    for (let length = 1; length <= tokens.length; length++) rows.push(await this.feed(tokens.slice(0, length)));
    const all = new Float32Array(rows.length * rows[0].length);
    for (const [i, row] of rows.entries()) all.set(row, i * row.length);
    return all;
  }

  /** Any number will do: each text brings its whole context. */
  lanes(): Promise<SequenceLanes> {
    return Promise.resolve(this);
  }

  fill(): Promise<void> {
    return Promise.resolve();
  }

  /** Frees the program. */
  [Symbol.dispose](): void {
    this.#compiled[Symbol.dispose]();
  }
}

/** Traces the program. */
export function traceWholeSequence(
  model: LanguageModel,
): { readonly graph: Graph; readonly ids: Tensor; readonly row: Tensor; readonly logits: Tensor } {
  const graph = new Graph();
  const ids = graph.input("ids", [1, model.config.contextLength], { dtype: "u32" });
  const row = graph.input("row", [1], { dtype: "u32" });
  return { graph, ids, row, logits: selectRows(graph, logitsOf("generate", model, graph, ids), row) };
}
