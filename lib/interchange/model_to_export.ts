// A model that is written for another library.
import type { ModelConfig } from "../model/config.ts";
import type { WeightSource } from "../model/weights.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";

/** A model to export. */
export interface ModelToExport {
  /** Its shape. */
  readonly config: ModelConfig;
  /** Its weights, by the names of `parameterSpecs`. */
  readonly weights: WeightSource;
  /** The tokenizer of its ids, if there is one. */
  readonly tokenizer: Tokenizer | undefined;
  /** The ids at which a text ends. */
  readonly stopIds: readonly number[];
}
