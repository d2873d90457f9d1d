import type { Backend } from "../backend/backend.ts";
import { type Decode, loadDecode } from "./decode.ts";
import type { DrawableIds } from "./drawable_ids.ts";
import { type KvCache, releaseLayers } from "../model/kv_cache.ts";
import { LaneFill } from "./lane_fill.ts";
import type { CachingModel } from "../model/language_model.ts";

/** Sequences of equal length that go through the model together, one token each at a time. */
export class Lanes implements Disposable {
  readonly count: number;
  readonly decode: Decode;
  readonly #backend: Backend;
  readonly #layers: KvCache["layers"];
  readonly #fill: LaneFill;

  private constructor(
    backend: Backend,
    layers: KvCache["layers"],
    decode: Decode,
    fill: LaneFill,
  ) {
    [this.count] = layers[0].keys.shape;
    this.#backend = backend;
    this.#layers = layers;
    this.decode = decode;
    this.#fill = fill;
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
    const fill = await LaneFill.load(backend, single, layers);
    loaded.move();
    return new Lanes(backend, layers, decode, fill);
  }

  /** Copies the single sequence's cache into a lane's. */
  async fill(lane: number): Promise<void> {
    await this.#fill.fill(lane);
  }

  /** Frees the lanes' caches and programs. */
  [Symbol.dispose](): void {
    this.decode[Symbol.dispose]();
    this.#fill[Symbol.dispose]();
    releaseLayers(this.#backend, this.#layers);
  }
}
