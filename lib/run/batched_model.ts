import type { Backend } from "../backend/backend.ts";
import { BatchEngine, type BatchEngineOptions, defaultSlots } from "../generate/batch_engine.ts";
import { END_OF_TEXT } from "../generate/document_start.ts";
import type { ModelConfig } from "../model/config.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import { requireRoomToBatch } from "./generation_room.ts";
import type { LoadableModel } from "./loaded_model.ts";
import { writeRunWeights } from "./origin_tensors.ts";

/** A model that has a tokenizer: a run's has. */
export type LoadableTextModel = LoadableModel & { readonly tokenizer: Tokenizer };

/** A run's model on a backend, with what continues many texts together. Disposing of it frees both, not the backend. */
export class BatchedModel implements AsyncDisposable {
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  /** The ids at which its texts end: the tokenizer's `<|endoftext|>`, and what an imported model's files say. */
  readonly stopIds: readonly number[];
  readonly engine: BatchEngine;
  readonly #owned: AsyncDisposableStack;

  private constructor(
    { model, tokenizer, stopIds }: LoadableTextModel,
    engine: BatchEngine,
    owned: AsyncDisposableStack,
  ) {
    this.config = model.config;
    this.tokenizer = tokenizer;
    const end = tokenizer.specialTokens.get(END_OF_TEXT);
    this.stopIds = [...new Set([...end === undefined ? [] : [end], ...stopIds])];
    this.engine = engine;
    this.#owned = owned;
  }

  /**
   * Loads what `loadRun` read, or any other model with its weights and tokenizer.
   * @throws {UserError} If the weights are not the model's, or not all finite; or if the backend cannot address as much
   *   memory as the slots take.
   * @throws {OptionError} If the backend is not good at so many slots.
   */
  static async load(
    backend: Backend,
    run: LoadableTextModel,
    options: Pick<BatchEngineOptions, "slots" | "maxQueued"> = {},
  ): Promise<BatchedModel> {
    const { model, tokenizer, weights } = run;
    requireRoomToBatch(backend, model, options.slots ?? defaultSlots(backend));
    await using loaded = new AsyncDisposableStack();
    loaded.defer(() => model.release(backend));
    const isDrawable = (id: number) => tokenizer.hasToken(id);
    const engine = loaded.use(await BatchEngine.create(backend, model, { ...options, isDrawable }));
    await writeRunWeights(backend, model, weights);
    return new BatchedModel(run, engine, loaded.move());
  }

  /** Ends all texts, and frees the weights and programs. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}
