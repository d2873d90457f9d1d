import type { Backend, Executable } from "../backend/backend.ts";
import { releaseProgram } from "../backend/release.ts";
import { Graph } from "../graph/graph.ts";
import { InputBlock } from "../graph/inputs.ts";
import { plan } from "../graph/plan.ts";
import type { Program } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { KvCache } from "./kv_cache.ts";
import type { Transformer } from "./transformer.ts";

interface Inputs {
  readonly ids: Tensor;
  readonly start: Tensor;
  readonly rows: Tensor;
}

/** A forward pass over so many tokens of each of some sequences, at a position given at run time. */
export class CachedForward implements Disposable {
  /** Tokens of each sequence that one run takes at most. */
  readonly tokens: number;
  readonly #backend: Backend;
  readonly #program: Program;
  readonly #executable: Executable;
  readonly #block: InputBlock;
  readonly #inputs: Inputs;
  readonly #logits: Tensor;

  private constructor(
    backend: Backend,
    program: Program,
    executable: Executable,
    inputs: Inputs,
    logits: Tensor,
  ) {
    this.tokens = inputs.ids.lastDim;
    this.#backend = backend;
    this.#program = program;
    this.#executable = executable;
    this.#block = new InputBlock(program);
    this.#inputs = inputs;
    this.#logits = logits;
  }

  /** Loads the program. `layers` decides the number of sequences. */
  static async load(
    backend: Backend,
    model: Transformer,
    layers: KvCache["layers"],
    tokens: number,
  ): Promise<CachedForward> {
    const [batch] = layers[0].keys.shape;
    const graph = new Graph();
    const inputs = {
      ids: graph.input("ids", [batch, tokens], { dtype: "u32" }),
      start: graph.input("start", [1], { dtype: "u32" }),
      rows: graph.input("rows", [batch], { dtype: "u32" }),
    };
    const logits = model.forward(graph, inputs.ids, { cache: { start: inputs.start, layers }, rows: inputs.rows });
    const program = plan(graph, { keep: [logits] });
    return new CachedForward(backend, program, await backend.load(program), inputs, logits);
  }

  /**
   * Runs tokens at a position; returns the logits after the last, (batch, vocabSize). A part shorter than the program is
   * padded: the padding's keys lie after the part's and are overwritten before any query may see them.
   *
   * @param parts Of each sequence as many tokens.
   */
  async run(parts: readonly (readonly number[])[], start: number): Promise<Float32Array> {
    const ids = this.#block.integers(this.#inputs.ids).fill(0);
    parts.forEach((part, i) => ids.set(part, i * this.tokens));
    this.#block.integers(this.#inputs.start)[0] = start;
    this.#block.integers(this.#inputs.rows).set(parts.map((part, i) => i * this.tokens + part.length - 1));
    this.#backend.write(this.#block.view, this.#block.words);
    await this.#executable.run();
    return await this.#backend.read(this.#program.view(this.#logits)) as Float32Array;
  }

  /** Frees what only this program uses; the cache stays. */
  [Symbol.dispose](): void {
    releaseProgram(this.#backend, this.#program);
  }
}
