import type { Backend, Executable } from "../backend/backend.ts";
import { releaseProgram } from "../backend/release.ts";
import { Graph } from "../graph/graph.ts";
import { InputBlock } from "../graph/inputs.ts";
import { plan } from "../graph/plan.ts";
import type { Program } from "../graph/program.ts";
import { Tensor } from "../graph/tensor.ts";
import { writeRows } from "../ops/write_rows.ts";
import { type Decode, loadDecode } from "./decode.ts";
import type { DrawableIds } from "./drawable_ids.ts";
import { type KvCache, kvCacheLayers, releaseLayers } from "./kv_cache.ts";
import type { Transformer } from "./transformer.ts";

/** Sequences of equal length that go through the model together, one token each at a time. */
export class Lanes implements Disposable {
  readonly count: number;
  readonly decode: Decode;
  readonly #backend: Backend;
  readonly #layers: KvCache["layers"];
  readonly #fill: { readonly program: Program; readonly executable: Executable; readonly block: InputBlock };
  readonly #row: Tensor;

  private constructor(
    backend: Backend,
    layers: KvCache["layers"],
    decode: Decode,
    fill: { readonly program: Program; readonly executable: Executable; readonly block: InputBlock },
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
   * @param single The cache of one sequence, which lanes are filled from.
   * @param drawable The ids that may be chosen.
   */
  static async load(
    backend: Backend,
    model: Transformer,
    single: KvCache["layers"],
    count: number,
    drawable: DrawableIds,
  ): Promise<Lanes> {
    const layers = kvCacheLayers(model.config, count);
    using loaded = new DisposableStack();
    loaded.defer(() => releaseLayers(backend, layers));
    const decode = loaded.use(await loadDecode(backend, model, layers, drawable));
    const graph = new Graph();
    const row = graph.input("row", [1], { dtype: "u32" });
    layers.forEach(({ keys, values }, i) => {
      writeRows(graph, single[i].keys, row, asOneSequence(keys));
      writeRows(graph, single[i].values, row, asOneSequence(values));
    });
    const program = plan(graph);
    const executable = await backend.load(program);
    loaded.move();
    return new Lanes(backend, layers, decode, { program, executable, block: new InputBlock(program) }, row);
  }

  /** Copies the single sequence's cache into a lane's. */
  async fill(lane: number): Promise<void> {
    const { executable, block } = this.#fill;
    const [, contextLength] = this.#layers[0].keys.shape;
    block.integers(this.#row)[0] = lane * contextLength;
    this.#backend.write(block.view, block.words);
    await executable.run();
  }

  /** Frees the lanes' caches and programs. */
  [Symbol.dispose](): void {
    this.decode[Symbol.dispose]();
    releaseProgram(this.#backend, this.#fill.program);
    releaseLayers(this.#backend, this.#layers);
  }
}

/** (batch, rows, width) as (1, batch · rows, width). */
function asOneSequence({ name, shape: [batch, rows, width], placement }: Tensor): Tensor {
  return new Tensor(name, [1, batch * rows, width], { placement });
}
