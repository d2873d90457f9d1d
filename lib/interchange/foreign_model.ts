// A model that another library wrote, opened to be read.
import type { ModelConfig } from "../model/config.ts";
import type { WeightSource } from "../model/weights.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";

/** A model that another library wrote. Its weights are read one at a time; dispose of it to close its files. */
export interface ForeignModel extends Disposable {
  /** The kind of its files. */
  readonly format: "huggingface" | "gguf";
  /** What its files call its architecture: `llama`. */
  readonly architecture: string;
  /** Its shape, as a Transformer's. */
  readonly config: ModelConfig;
  /** Its files of weights. */
  readonly files: readonly string[];
  /** Its weights, by the names of `parameterSpecs`. */
  readonly weights: WeightSource;
  /** The ids at which a text ends, as far as its files tell. */
  readonly stopIds: readonly number[];
  /**
   * Reads its tokenizer; `undefined` if its files hold none.
   * @throws {UserError} If it is of a kind that is not supported, or damaged.
   */
  tokenizer(): Promise<Tokenizer | undefined>;
}

/** Options for opening one. */
export interface ForeignModelOptions {
  /** The longest sequence, if it is to be shorter than the model's own: a cache takes memory for all of it. */
  readonly contextLength?: number;
}
