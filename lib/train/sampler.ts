import { documentStart, END_OF_TEXT } from "../generate/document_start.ts";
import type { Backend } from "../backend/backend.ts";
import type { Batch } from "../dataset/batches.ts";
import { option, say, UserError } from "../errors.ts";
import { TextGenerator } from "../generate/generator.ts";
import type { LanguageModel } from "../model/language_model.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import { TRAINING_DEFAULTS, type TrainingConfig } from "./config.ts";

/** High enough to show what a model knows, low enough to be readable. */
const SAMPLING = { temperature: 0.8, topP: 0.95 };

/** Generates short texts with a model's current weights during training. It owns its programs, but not the weights. */
export class Sampler implements Disposable {
  readonly #generator: TextGenerator;
  readonly #tokenizer: Tokenizer;
  readonly #config: TrainingConfig;
  #ids: number[] = [];

  private constructor(generator: TextGenerator, tokenizer: Tokenizer, config: TrainingConfig) {
    this.#generator = generator;
    this.#tokenizer = tokenizer;
    this.#config = config;
  }

  /** Loads the programs. The weights are shared with everything else that uses this model on this backend. */
  static async create(
    backend: Backend,
    model: LanguageModel,
    tokenizer: Tokenizer,
    config: TrainingConfig,
  ): Promise<Sampler> {
    const isDrawable = (id: number) => tokenizer.hasToken(id);
    return new Sampler(await TextGenerator.create(backend, model, { isDrawable }), tokenizer, config);
  }

  /** Frees the programs; the weights stay. */
  [Symbol.dispose](): void {
    this.#generator[Symbol.dispose]();
  }

  /**
   * The configuration's prompt with its continuation. The seed is the configuration's plus the number of steps taken,
   * so that the same weights give the same text, whatever was drawn before.
   * @param steps How many steps have been taken.
   * @throws {NoTokenError} If the model computes NaN.
   */
  async sample(steps: number): Promise<string> {
    const { seed, samplePrompt, sampleTokens = TRAINING_DEFAULTS.sampleTokens! } = this.#config;
    const endOfText = this.#tokenizer.specialTokens.get(END_OF_TEXT);
    const prompt = samplePrompt || documentStart(this.#tokenizer);
    const stopIds = endOfText === undefined ? [] : [endOfText];
    const options = { ...SAMPLING, maxTokens: sampleTokens, seed: seed + steps, stopIds };
    const promptIds = [...this.#tokenizer.encode(prompt)];
    this.#ids = [...promptIds];
    for await (const id of this.#generator.generate(promptIds, options)) this.#ids.push(id);
    return (samplePrompt ?? "") + this.#tokenizer.decode(this.#ids.slice(promptIds.length));
  }

  /**
   * The newest tokens of the last sample, including its prompt, as a sequence for a forward pass. A short one is padded
   * at its end, where nothing before sees the padding.
   * @param length The number of tokens: (length) ids and targets.
   */
  lastSequence(length: number): Batch {
    const newest = this.#ids.slice(-length);
    const ids = Uint32Array.from({ length }, (_, i) => newest[i] ?? newest[0]);
    // The targets only affect the loss.
    return { ids, targets: ids };
  }
}

/**
 * Whether a configuration asks for samples.
 * @throws {UserError} If it does, but there is no tokenizer to decode them.
 */
export function samplesWith(
  { sampleEvery = 0 }: TrainingConfig,
  tokenizer: Tokenizer | undefined,
): tokenizer is Tokenizer {
  if (sampleEvery === 0) return false;
  if (tokenizer !== undefined) return true;
  throw new UserError(
    say`Cannot write samples: there is no tokenizer. Pass ${option("tokenizer")}, or train without samples`,
  );
}
