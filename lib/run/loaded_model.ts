import type { Backend } from "../backend/backend.ts";
import { UserError } from "../errors.ts";
import { type BackendChoice, createBackend } from "../backend/select.ts";
import type { ModelConfig } from "../model/config.ts";
import { documentStart, END_OF_TEXT } from "../generate/document_start.ts";
import { GeneratedText, type GeneratedTextOptions } from "../generate/generated_text.ts";
import { type GenerateOptions, TextGenerator } from "../generate/generator.ts";
import { Transformer, type TransformerOptions } from "../model/transformer.ts";
import type { WeightSource } from "../model/weights.ts";
import { writeRunWeights } from "./origin_tensors.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import { requireRoomToGenerate } from "./generation_room.ts";
import { requireTokenizerFits } from "./import_model.ts";
import { loadAnyRun } from "./load_run.ts";
import { requireModelPath } from "./model_path.ts";
import { openForeignModel } from "./open_foreign.ts";

/** Options for `loadModel`. */
export interface LoadModelOptions extends TransformerOptions {
  /**
   * What it runs on. A backend that you pass stays yours. A backend given by name is made here, and disposed of with
   * the model. Default: `"auto"`, a GPU if there is one, else the processor.
   */
  readonly backend?: Backend | BackendChoice;
  /** The weights at the end of the run, or those with the lowest validation loss. Default: `"last"`. */
  readonly weights?: "last" | "best";
  /**
   * The longest text in tokens, for another library's model, if it is to be shorter than the model's own: the cache takes
   * memory for all of it.
   */
  readonly contextLength?: number;
  /**
   * The tokenizer of another library's model, if it is not beside it; `"none"` leaves it out, for one of a kind that is
   * not supported. Default: the model's own.
   */
  readonly tokenizer?: Tokenizer | "none";
}

/** A model that is not on a backend yet, and what belongs to it. */
export interface LoadableModel {
  /** The model; it takes no memory yet. */
  readonly model: Transformer;
  /** The tokenizer of its ids, if it has one. */
  readonly tokenizer: Tokenizer | undefined;
  /** Its weights, or the path of a .safetensors file with them. */
  readonly weights: string | WeightSource;
  /** The ids at which a text ends, besides the tokenizer's `<|endoftext|>`. */
  readonly stopIds: readonly number[];
}

/** Options for continuing a text: sampling, and where it ends. */
export interface GenerateTextOptions extends GenerateOptions, GeneratedTextOptions {}

/**
 * Loads a model to generate with: its configuration, tokenizer, weights and a generator, in one call.
 *
 * @param run A directory that train-lm or {@linkcode trainRun} wrote, with a tokenizer in it; a Hugging Face model's
 *   directory, with weights in safetensors; or a GGUF file: its path or `file:` URL. Another library's model may be
 *   without a tokenizer: then it continues ids, but no text.
 * @throws {UserError} If it is none of these, lacks something, has an architecture that is not supported, or its files
 *   do not belong together; or if the backend cannot address as much memory as generating one text takes.
 * @throws {RangeError} If there is no backend of that name, or `contextLength` does not fit the model.
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
  const { backend = "auto" } = options;
  await using opened = new AsyncDisposableStack();
  const files = await openModel(run, options, opened);
  if (typeof backend !== "string") return await LoadedModel.load(backend, files);
  await using owned = new AsyncDisposableStack();
  const made = owned.use(await createBackend(backend));
  const loaded = await LoadedModel.load(made, files, made);
  owned.move();
  return loaded;
}

/** Reads all of a model but its weights; the files of another library's stay open until `opened` is disposed of. */
async function openModel(
  run: string | URL,
  { weights, contextLength, tokenizer: given, weightsDtype }: LoadModelOptions,
  opened: AsyncDisposableStack,
): Promise<LoadableModel> {
  const { kind, path } = await requireModelPath(run);
  const refuse = (got: string, mustBe: string, next: string): never => {
    throw new UserError(`Cannot load a model from ${run}: got ${got}, must be ${mustBe}. ${next}`);
  };
  if (kind === "run") {
    const name = contextLength !== undefined ? "contextLength" : given !== undefined ? "tokenizer" : undefined;
    if (name !== undefined) refuse(`a run and ${name}`, "only for another library's model", "Leave it out");
    return await loadAnyRun(path, weights, { weightsDtype });
  }
  if (weights === "best") refuse("weights best", "last: another library's model has no others", "Leave it out");
  const foreign = opened.use(await openForeignModel({ kind, path }, { contextLength }));
  const tokenizer = given === "none" ? undefined : given ?? await foreign.tokenizer();
  requireTokenizerFits(path, tokenizer, foreign.config.vocabSize);
  const model = new Transformer(foreign.config, { weightsDtype });
  return { model, tokenizer, weights: foreign.weights, stopIds: foreign.stopIds };
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
  /** The ids at which its texts end: the tokenizer's `<|endoftext|>`, and what an imported model's files say. */
  readonly stopIds: readonly number[];
  /** The generator of its texts, for example to make several together. It only draws ids that stand for a token. */
  readonly generator: TextGenerator;
  readonly #tokenizer: Tokenizer | undefined;
  readonly #owned: AsyncDisposableStack;

  private constructor(
    backend: Backend,
    { model, tokenizer, stopIds }: LoadableModel,
    generator: TextGenerator,
    owned: AsyncDisposableStack,
  ) {
    this.backend = backend;
    this.model = model;
    this.#tokenizer = tokenizer;
    const end = tokenizer?.specialTokens.get(END_OF_TEXT);
    this.stopIds = [...new Set([...end === undefined ? [] : [end], ...stopIds])];
    this.generator = generator;
    this.#owned = owned;
  }

  /**
   * Loads what `loadRun` read, or any other model with its weights.
   *
   * @param owned Disposed of with the model, but not if loading fails.
   * @throws {UserError} If the weights are not the model's, or not all finite; or if the backend cannot address as much
   *   memory as generating one text takes.
   */
  static async load(backend: Backend, run: LoadableModel, owned?: AsyncDisposable): Promise<LoadedModel> {
    const { tokenizer, weights } = run;
    requireRoomToGenerate(backend, run.model);
    await using loaded = new AsyncDisposableStack();
    loaded.defer(() => run.model.release(backend));
    const options = tokenizer && { isDrawable: (id: number) => tokenizer.hasToken(id) };
    const generator = loaded.use(await TextGenerator.create(backend, run.model, options));
    await writeRunWeights(backend, run.model, weights);
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
   * The tokenizer of its ids.
   * @throws {UserError} If it has none: some models of other libraries come without one.
   */
  get tokenizer(): Tokenizer {
    if (this.#tokenizer !== undefined) return this.#tokenizer;
    throw new UserError(
      "Cannot use the model's tokenizer: got a model without one, must have one for text. Give it ids, or put its " +
        "tokenizer's files beside it",
    );
  }

  /**
   * Continues a text: await it, or read it piece by piece. It ends at one of the model's `stopIds`, or at those given.
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
    const { stopIds = this.stopIds } = options;
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

  /**
   * The logits of what follows each of some ids: (ids, vocabSize), of which the last row is what {@linkcode logits}
   * gives. To continue a text, only that row is needed, and computing the others takes memory and time. Throws as
   * {@linkcode TextGenerator.logits} does.
   *
   * @param ids From one to `config.contextLength`.
   */
  allLogits(ids: Iterable<number>): Promise<Float32Array> {
    return this.generator.allLogits(ids);
  }

  /** Frees the weights and programs, and the backend if it was made for this model. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}
