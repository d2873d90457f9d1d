import type { Backend } from "../backend/backend.ts";
import { sampleTokenKernel } from "../ops/sample_token.ts";
import { CachedForward } from "./cached_forward.ts";
import type { Continuation } from "./continuation.ts";
import { DeviceDecode } from "./device_decode.ts";
import type { DrawableIds } from "./drawable_ids.ts";
import type { KvCache } from "../model/kv_cache.ts";
import type { LanguageModel } from "../model/language_model.ts";
import type { NextTokens } from "./shared_steps.ts";

/** Continues sequences, one per lane, of which only the newest token is not in the cache. */
export interface Decode extends Disposable {
  /**
   * Computes what follows: the same number of tokens for each text, no more than fit the context and may be made.
   * @param texts One per lane; the contexts of those that are not over have the same length.
   */
  run(texts: readonly Continuation[]): Promise<NextTokens>;

  /** Frees what only this uses; the cache stays. */
  [Symbol.dispose](): void;
}

/**
 * Loads what decodes fastest on a backend: if it can draw tokens itself, it need not be read after each one. `layers`
 * determines the number of lanes.
 * @param drawable The ids that may be chosen.
 * @param single Runs one token of each lane, if that is loaded already.
 */
export async function loadDecode(
  backend: Backend,
  model: LanguageModel,
  layers: KvCache["layers"],
  drawable: DrawableIds,
  single?: CachedForward,
): Promise<Decode> {
  if (backend.capabilities.kernels.has(sampleTokenKernel.name)) {
    return await DeviceDecode.load(backend, model, layers, drawable);
  }
  return new HostDecode(single ?? await CachedForward.load(backend, model, layers, 1));
}

/** Reads the logits of every token and chooses on the host. */
class HostDecode implements Decode {
  readonly #forward: CachedForward;

  constructor(forward: CachedForward) {
    this.#forward = forward;
  }

  async run(texts: readonly Continuation[]): Promise<NextTokens> {
    const { context } = texts.find(({ isOver }) => !isOver)!;
    const logits = await this.#forward.run(texts.map((text) => text.context.slice(-1)), context.length - 1);
    const vocabSize = logits.length / texts.length;
    return texts.map((text, i) =>
      text.isOver ? [] : [text.choose(logits.subarray(i * vocabSize, (i + 1) * vocabSize))]
    );
  }

  [Symbol.dispose](): void {
    this.#forward[Symbol.dispose]();
  }
}
