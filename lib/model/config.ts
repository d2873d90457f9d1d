/** A Transformer's shape: everything needed to build it, and saved beside its weights. */
export interface ModelConfig {
  /** Rows of the embedding and of the output head; every token id is below it. */
  readonly vocabSize: number;
  /** The longest sequence, in tokens. */
  readonly contextLength: number;
  /** Width of the residual stream. */
  readonly dModel: number;
  readonly numLayers: number;
  /** Attention heads; each has dModel / numHeads dimensions. */
  readonly numHeads: number;
  /** Width of the feed-forward's hidden layer; 8/3 · dModel keeps SwiGLU's size at that of a plain one of 4 · dModel. */
  readonly dFf: number;
  /** Base of the rotary embedding's wavelengths. */
  readonly ropeTheta: number;
}

/** Added to the mean square in every RMSNorm. */
export const RMSNORM_EPS = 1e-5;

/** Shapes that a person can name. The vocabulary's size comes from the tokenizer. */
export const PRESETS: Readonly<Record<string, Omit<ModelConfig, "vocabSize">>> = {
  /** About a million parameters with a small vocabulary: learns Shakespeare's manner in minutes on a CPU. */
  tiny: { contextLength: 128, dModel: 128, numLayers: 4, numHeads: 4, dFf: 344, ropeTheta: 10000 },
};

/**
 * Checks a configuration.
 * @returns It, unchanged.
 * @throws {RangeError} Naming the first value that cannot work, and what it must be.
 */
export function validateModelConfig(config: ModelConfig): ModelConfig {
  const counts = ["vocabSize", "contextLength", "dModel", "numLayers", "numHeads", "dFf"] as const;
  for (const key of counts) {
    if (!Number.isSafeInteger(config[key]) || config[key] < 1) {
      throw new RangeError(`Cannot build the model: got ${key} ${config[key]}, must be a positive integer`);
    }
  }
  const { dModel, numHeads, ropeTheta } = config;
  if (dModel % numHeads !== 0) {
    throw new RangeError(
      `Cannot build the model: got dModel ${dModel} and ${numHeads} heads, must be dModel divisible by numHeads`,
    );
  }
  if ((dModel / numHeads) % 2 !== 0) {
    throw new RangeError(
      `Cannot build the model: got head size ${
        dModel / numHeads
      } (dModel / numHeads), must be even for rotary embeddings`,
    );
  }
  if (!Number.isFinite(ropeTheta) || ropeTheta <= 0) {
    throw new RangeError(`Cannot build the model: got ropeTheta ${ropeTheta}, must be above 0`);
  }
  return config;
}
