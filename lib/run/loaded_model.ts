import type { Backend } from "../backend/backend.ts";
import { type BackendChoice, createBackend } from "../backend/select.ts";
import type { ModelConfig } from "../model/config.ts";
import { documentStart, END_OF_TEXT } from "../generate/document_start.ts";
import { GeneratedText, type GeneratedTextOptions } from "../generate/generated_text.ts";
import { type GenerateOptions, TextGenerator } from "../generate/generator.ts";
import { Safetensors } from "../formats/safetensors.ts";
import type { Transformer, TransformerOptions } from "../model/transformer.ts";
import { writeWeights } from "../model/weights.ts";
import { weightsFrom } from "../model/weights_file.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import { requireRoomToGenerate } from "./generation_room.ts";
import { loadRun, type RunModel } from "./load_run.ts";
import { requireRunPath } from "./run_path.ts";

/** Options for `loadModel`. */
export interface LoadModelOptions extends TransformerOptions {
  /**
   * What it runs on. A backend that you pass stays yours. A backend given by name is made here, and disposed of with
   * the model. Default: `"auto"`, a GPU if there is one, else the processor.
   */
  readonly backend?: Backend | BackendChoice;
  /** The weights at the end of the run, or those with the lowest validation loss. Default: `"last"`. */
  readonly weights?: "last" | "best";
}

/** Options for continuing a text: sampling, and where it ends. */
export interface GenerateTextOptions extends GenerateOptions, GeneratedTextOptions {}

/**
 * Loads a run's model to generate with: its configuration, tokenizer, weights and a generator, in one call.
 *
 * @param run A directory that train-lm or {@linkcode trainRun} wrote, with a tokenizer in it: its path or `file:` URL.
 * @throws {UserError} If it is not a run, lacks something, or its files do not belong together; or if the backend cannot
 *   address as much memory as generating one text takes.
 * @throws {RangeError} If there is no backend of that name.
 *
 * @example
 * ```ts
 * import { createBackend, createRunDirectory, loadModel, mergeConfigs, recordOf } from "@bytelm/bytelm";
 * import { tokensInMemory, trainBpe, trainRun } from "@bytelm/bytelm";
 *
 * // A run, as train-lm makes one.
 * const text = "the cat sat on the mat. ".repeat(50);
 * const tokenizer = await trainBpe(text, { vocabSize: 265 });
 * const train = tokensInMemory(tokenizer.encode(text));
 * await using backend = await createBackend("wasm", { workers: 1 });
 * const parts = { preset: "tiny", model: { contextLength: 16 }, training: { steps: 3, batchSize: 4 } };
 * const merged = mergeConfigs([parts], tokenizer.vocabSize);
 * const config = { ...merged, data: { train: await recordOf(train) }, backend: backend.name };
 * const directory = `${await Deno.makeTempDir()}/run`;
 * await createRunDirectory(directory, config, tokenizer);
 * await Array.fromAsync(trainRun({ backend, directory, config, train }));
 *
 * // Its model.
 * await using model = await loadModel(directory, { backend });
 * console.log(await model.generate("the cat", { maxTokens: 9 }));
 * for await (const piece of model.generate("the mat", { maxTokens: 9, stop: "." })) console.log(piece);
 * console.log((await model.logits(model.tokenizer.encode("the"))).length === model.config.vocabSize); // true
 * ```
 */
export async function loadModel(run: string | URL, options: LoadModelOptions = {}): Promise<LoadedModel> {
  const { backend = "auto", weights, weightsDtype } = options;
  const files = await loadRun(await requireRunPath(run), weights, { weightsDtype });
  if (typeof backend !== "string") return await LoadedModel.load(backend, files);
  await using owned = new AsyncDisposableStack();
  const made = owned.use(await createBackend(backend));
  const loaded = await LoadedModel.load(made, files, made);
  owned.move();
  return loaded;
}

/**
 * A model on a backend, with its tokenizer. It makes one text at a time, and refuses another until that one has ended.
 * Disposing of it frees the weights, and the backend if it was made for this model.
 */
export class LoadedModel implements AsyncDisposable {
  /** What it runs on. */
  readonly backend: Backend;
  /** The model, whose weights are on the backend. */
  readonly model: Transformer;
  /** The tokenizer of its ids. */
  readonly tokenizer: Tokenizer;
  /** The generator of its texts, for example to make several together. It only draws ids that stand for a token. */
  readonly generator: TextGenerator;
  readonly #owned: AsyncDisposableStack;

  private constructor(
    backend: Backend,
    { model, tokenizer }: RunModel,
    generator: TextGenerator,
    owned: AsyncDisposableStack,
  ) {
    this.backend = backend;
    this.model = model;
    this.tokenizer = tokenizer;
    this.generator = generator;
    this.#owned = owned;
  }

  /**
   * Loads what {@linkcode loadRun} read.
   *
   * @param owned Disposed of with the model, but not if loading fails.
   * @throws {UserError} If the weights are not the model's, or not all finite; or if the backend cannot address as much
   *   memory as generating one text takes.
   */
  static async load(backend: Backend, run: RunModel, owned?: AsyncDisposable): Promise<LoadedModel> {
    requireRoomToGenerate(backend, run.model);
    await using loaded = new AsyncDisposableStack();
    loaded.defer(() => run.model.release(backend));
    const isDrawable = (id: number) => run.tokenizer.hasToken(id);
    const generator = loaded.use(await TextGenerator.create(backend, run.model, { isDrawable }));
    using file = await Safetensors.open(run.weights);
    await writeWeights(backend, run.model, weightsFrom(file, run.weights));
    const all = new AsyncDisposableStack();
    all.use(owned);
    all.use(loaded.move());
    return new LoadedModel(backend, run, generator, all);
  }

  /** The model's shape. */
  get config(): ModelConfig {
    return this.model.config;
  }

  /**
   * Continues a text: await it, or read it piece by piece. It ends at the tokenizer's `<|endoftext|>`, if it has one,
   * or at the `stopIds` given.
   *
   * @param prompt Text or its bytes; an empty one begins a document.
   * @param options Those of {@linkcode TextGenerator.generate}, with the same defaults, and `stop`.
   * @returns The text after the prompt. It throws when it is awaited or read, as `TextGenerator.generate` does.
   */
  generate(prompt: string | Uint8Array, options: GenerateTextOptions = {}): GeneratedText {
    const { tokenizer } = this;
    const ids = tokenizer.encode(prompt.length === 0 ? documentStart(tokenizer) : prompt);
    return new GeneratedText(this.generateIds(ids, options), tokenizer, options);
  }

  /** Like {@linkcode generate}, from ids to ids. */
  generateIds(prompt: Iterable<number>, options: GenerateOptions = {}): AsyncGenerator<number, void, void> {
    const end = this.tokenizer.specialTokens.get(END_OF_TEXT);
    const { stopIds = end === undefined ? [] : [end] } = options;
    return this.generator.generate(prompt, { ...options, stopIds });
  }

  /**
   * The logits of the token that follows some ids: (vocabSize). Throws as {@linkcode TextGenerator.logits} does.
   *
   * @param ids From one to `config.contextLength`.
   */
  logits(ids: Iterable<number>): Promise<Float32Array> {
    return this.generator.logits(ids);
  }

  /** Frees the weights and programs, and the backend if it was made for this model. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}
