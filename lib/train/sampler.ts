import { documentStart, END_OF_TEXT } from "../model/document_start.ts";
import type { Backend } from "../backend/backend.ts";
import { UserError } from "../errors.ts";
import { Generator } from "../model/generator.ts";
import type { Transformer } from "../model/transformer.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import { TRAINING_DEFAULTS, type TrainingConfig } from "./config.ts";

/** Wild enough to show what a model knows, tame enough to be read. */
const SAMPLING = { temperature: 0.8, topP: 0.95 };

/** What stands for an id that a model with spare rows in its embedding makes up. */
const NO_TOKEN = new TextEncoder().encode("\uFFFD");

/** Short texts that a model in training makes of its weights at the time. */
export class Sampler {
  readonly #generator: Generator;
  readonly #tokenizer: Tokenizer;
  readonly #config: TrainingConfig;

  private constructor(generator: Generator, tokenizer: Tokenizer, config: TrainingConfig) {
    this.#generator = generator;
    this.#tokenizer = tokenizer;
    this.#config = config;
  }

  /** Loads the programs; the model's weights are shared with whatever else uses this model on this backend. */
  static async create(
    backend: Backend,
    model: Transformer,
    tokenizer: Tokenizer,
    config: TrainingConfig,
  ): Promise<Sampler> {
    return new Sampler(await Generator.create(backend, model), tokenizer, config);
  }

  /**
   * The prompt of the configuration with its continuation. Its seed is the configuration's plus the steps taken: the same
   * weights give the same text, whatever was drawn before.
   * @param steps Taken so far.
   */
  async sample(steps: number): Promise<string> {
    const { seed, samplePrompt, sampleTokens = TRAINING_DEFAULTS.sampleTokens! } = this.#config;
    const endOfText = this.#tokenizer.specialTokens.get(END_OF_TEXT);
    const prompt = samplePrompt || documentStart(this.#tokenizer);
    const stopIds = endOfText === undefined ? [] : [endOfText];
    const options = { ...SAMPLING, maxTokens: sampleTokens, seed: seed + steps, stopIds };
    const bytes: number[] = [];
    for await (const id of this.#generator.generate([...this.#tokenizer.encode(prompt)], options)) {
      // Weights that are not finite leave nothing to choose from; the next step's loss will tell.
      if (id < 0) break;
      bytes.push(...this.#bytesOf(id));
    }
    return (samplePrompt ?? "") + new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
  }

  #bytesOf(id: number): Uint8Array {
    const { tokens } = this.#tokenizer.vocabulary;
    return id < tokens.size && tokens.byteLength(id) > 0 ? this.#tokenizer.decodeBytes([id]) : NO_TOKEN;
  }
}

/**
 * Whether a configuration asks for samples.
 * @throws {UserError} If it does, and there is no tokenizer to read them with.
 */
export function samplesWith(
  { sampleEvery = 0 }: TrainingConfig,
  tokenizer: Tokenizer | undefined,
): tokenizer is Tokenizer {
  if (sampleEvery === 0) return false;
  if (tokenizer !== undefined) return true;
  throw new UserError(
    `Cannot write samples every ${sampleEvery} steps: got no tokenizer, must be given the one of the training text. ` +
      `Pass --tokenizer DIR, or train without samples`,
  );
}
