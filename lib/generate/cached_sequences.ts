import type { Backend } from "../backend/backend.ts";
import { CachedForward } from "./cached_forward.ts";
import { type Decode, loadDecode } from "./decode.ts";
import type { DrawableIds } from "./drawable_ids.ts";
import { type KvCache, releaseLayers } from "../model/kv_cache.ts";
import { Lanes } from "./lanes.ts";
import type { CachingModel, LanguageModel } from "../model/language_model.ts";
import { sharedPrefix } from "./shared_prefix.ts";
import type { FeedOptions, Sequences } from "./sequences.ts";

/** Prompt tokens per run of the prefill program, at most. */
const PREFILL_TOKENS = 64;

/** Prompt tokens per run of the prefill program. */
export function prefillTokens({ config }: LanguageModel): number {
  return Math.min(PREFILL_TOKENS, config.contextLength);
}

/** With a cache: one program processes the prompt in chunks, another one token at a time. */
export class CachedSequences implements Sequences {
  readonly decode: Decode;
  readonly #backend: Backend;
  readonly #model: CachingModel;
  readonly #layers: KvCache["layers"];
  readonly #prefill: CachedForward;
  readonly #single: CachedForward;
  readonly #drawable: DrawableIds;
  readonly #owned: DisposableStack;
  #lanes: Lanes | undefined;
  #held: readonly number[] = [];
  /** The programs that compute the logits after each token, once they were asked for. */
  #everyRow: { readonly prefill: CachedForward; readonly single: CachedForward } | undefined;

  private constructor(
    backend: Backend,
    model: CachingModel,
    layers: KvCache["layers"],
    programs: { readonly prefill: CachedForward; readonly single: CachedForward; readonly decode: Decode },
    drawable: DrawableIds,
    owned: DisposableStack,
  ) {
    this.#backend = backend;
    this.#model = model;
    this.#layers = layers;
    this.#prefill = programs.prefill;
    this.#single = programs.single;
    this.decode = {
      run: async (texts) => {
        const [{ context }] = texts;
        const next = await programs.decode.run(texts);
        this.#held = context;
        return next;
      },
      // It is disposed of with the other programs.
      [Symbol.dispose]: () => {},
    };
    this.#drawable = drawable;
    this.#owned = owned;
  }

  /** Loads the programs for one sequence. */
  static async load(backend: Backend, model: CachingModel, drawable: DrawableIds): Promise<CachedSequences> {
    const layers = model.createCache(1);
    using owned = new DisposableStack();
    owned.defer(() => releaseLayers(backend, layers));
    const prefill = owned.use(await CachedForward.load(backend, model, layers, prefillTokens(model)));
    const single = owned.use(await CachedForward.load(backend, model, layers, 1));
    const decode = owned.use(await loadDecode(backend, model, layers, drawable, single));
    return new CachedSequences(backend, model, layers, { prefill, single, decode }, drawable, owned.move());
  }

  get held(): readonly number[] {
    return this.#held;
  }

  async feed(tokens: readonly number[], { reusePrefix = false, signal }: FeedOptions = {}): Promise<Float32Array> {
    let logits: Float32Array = new Float32Array();
    // The last token is always fed, for its logits.
    const first = reusePrefix ? Math.min(sharedPrefix(this.#held, tokens), tokens.length - 1) : 0;
    for (let start = first; start < tokens.length;) {
      // The prefill program writes all its rows to the cache, so it must not reach beyond the end.
      const fits = start + this.#prefill.tokens <= this.#model.config.contextLength;
      const forward = fits ? this.#prefill : this.#single;
      const part = tokens.slice(start, start + forward.tokens);
      this.#held = tokens.slice(0, start);
      logits = await forward.run([part], start);
      start += part.length;
      this.#held = tokens.slice(0, start);
      if (signal?.aborted) break;
    }
    return logits;
  }

  async feedAll(tokens: readonly number[]): Promise<Float32Array> {
    const { contextLength, vocabSize } = this.#model.config;
    const { prefill, single } = this.#everyRow ??= await this.#loadEveryRow();
    const all = new Float32Array(tokens.length * vocabSize);
    this.#held = [];
    for (let start = 0; start < tokens.length;) {
      const forward = start + prefill.tokens <= contextLength ? prefill : single;
      const part = tokens.slice(start, start + forward.tokens);
      const logits = await forward.run([part], start);
      all.set(logits.subarray(0, part.length * vocabSize), start * vocabSize);
      start += part.length;
    }
    return all;
  }

  async #loadEveryRow(): Promise<{ readonly prefill: CachedForward; readonly single: CachedForward }> {
    const { tokens } = this.#prefill;
    const prefill = await CachedForward.load(this.#backend, this.#model, this.#layers, tokens, true);
    this.#owned.use(prefill);
    return { prefill, single: this.#single };
  }

  async lanes(count: number): Promise<Lanes> {
    if (this.#lanes?.count === count) return this.#lanes;
    this.#lanes?.[Symbol.dispose]();
    this.#lanes = undefined;
    return this.#lanes = await Lanes.load(this.#backend, this.#model, this.#layers, count, this.#drawable);
  }

  /** Frees the cache and the programs. */
  [Symbol.dispose](): void {
    this.#lanes?.[Symbol.dispose]();
    this.#lanes = undefined;
    this.#owned.dispose();
  }
}
