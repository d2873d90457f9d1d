import type { Backend } from "../backend/backend.ts";
import { type KvCache, releaseLayers } from "../model/kv_cache.ts";
import type { CachingModel } from "../model/language_model.ts";
import type { BatchText } from "./batch_text.ts";
import { CachedForward } from "./cached_forward.ts";
import { prefillTokens } from "./cached_sequences.ts";
import { LaneFill } from "./lane_fill.ts";

/** Shorter prompts go token by token with all other texts: a block is filled up with padding, and costs as much as full. */
const MIN_TOKENS = 16;

/** A text whose prompt is being processed. */
interface Job {
  readonly text: BatchText;
  readonly slot: number;
  /** How many of its tokens were. */
  readonly fed: number;
}

/** What a step did. */
export interface PrefillStep {
  readonly fed: number;
  readonly done?: { readonly text: BatchText; readonly logits: Float32Array; readonly count: number };
}

/**
 * Processes prompts in blocks, one prompt after the other, in a cache of its own that is then copied into the text's slot.
 * How a prompt is cut up depends on its length alone, so that its text does not depend on what else is under way.
 */
export class SlotPrefill implements Disposable {
  readonly #contextLength: number;
  readonly #forward: CachedForward;
  readonly #fill: LaneFill;
  readonly #owned: DisposableStack;
  #job: Job | undefined;

  private constructor(contextLength: number, forward: CachedForward, fill: LaneFill, owned: DisposableStack) {
    this.#contextLength = contextLength;
    this.#forward = forward;
    this.#fill = fill;
    this.#owned = owned;
  }

  /** Loads the programs. @param layers The slots' caches. */
  static async load(backend: Backend, model: CachingModel, layers: KvCache["layers"]): Promise<SlotPrefill> {
    const single = model.createCache(1);
    using owned = new DisposableStack();
    owned.defer(() => releaseLayers(backend, single));
    const forward = owned.use(await CachedForward.load(backend, model, single, prefillTokens(model)));
    const fill = owned.use(await LaneFill.load(backend, single, layers));
    return new SlotPrefill(model.config.contextLength, forward, fill, owned.move());
  }

  /** Whether a text's prompt is still to be processed here, at least in part. */
  isFor(text: BatchText): boolean {
    return !text.isOver && text.next.position === 0 && text.promptTokens >= MIN_TOKENS;
  }

  /**
   * Processes one block of the prompt that was begun, or else of the first that waits.
   * @param running Texts by slot.
   * @returns How many tokens were processed; and once all of a text's are, the text with the logits after the last.
   */
  async step(running: readonly (BatchText | undefined)[]): Promise<PrefillStep> {
    if (this.#job?.text.isOver !== false) this.#job = this.#next(running);
    if (this.#job === undefined) return { fed: 0 };
    const { text, slot, fed } = this.#job;
    const part = text.context.slice(fed, fed + this.#forward.tokens);
    const logits = await this.#forward.run([part], fed);
    const end = fed + part.length;
    this.#job = { text, slot, fed: end };
    if (end < this.#endOf(text)) return { fed: part.length };
    this.#job = undefined;
    await this.#fill.fill(slot);
    return { fed: part.length, done: { text, logits, count: end } };
  }

  /** Frees the cache and the programs. */
  [Symbol.dispose](): void {
    this.#owned.dispose();
  }

  #next(running: readonly (BatchText | undefined)[]): Job | undefined {
    const slot = running.findIndex((text) => text !== undefined && this.isFor(text));
    return slot < 0 ? undefined : { text: running[slot]!, slot, fed: 0 };
  }

  /** Where blocks end: at the prompt's end, unless a block would then reach beyond the cache's. */
  #endOf({ promptTokens }: BatchText): number {
    const { tokens } = this.#forward;
    const blocks = Math.ceil(promptTokens / tokens);
    return blocks * tokens <= this.#contextLength ? promptTokens : (blocks - 1) * tokens;
  }
}
