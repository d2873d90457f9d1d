import { option, OptionError, say } from "../errors.ts";

/**
 * What accounting needs to know about a model. A run's `ModelConfig` has the same keys, so you can pass it as it is.
 *
 * Symbols in the formulas of this folder: v = vocabSize, s = sequence length, d = dModel, n = numLayers, h = numHeads,
 * dFf = the feed-forward's hidden width, b = batch size.
 */
export interface ModelShape {
  /** v */
  readonly vocabSize: number;
  /** The length of the longest sequence, in tokens; the default for s. */
  readonly contextLength: number;
  /** d: width of the residual stream. */
  readonly dModel: number;
  /** n */
  readonly numLayers: number;
  /** h; each head has d / h dimensions. */
  readonly numHeads: number;
  /** dFf */
  readonly dFf: number;
  /** `"swiglu"` (default): three matrices, w2(silu(w1 x) ⊙ w3 x). `"silu"`: two, w2(silu(w1 x)). */
  readonly ffn?: "swiglu" | "silu";
  /** Whether the output head is the embedding matrix. Default: false. */
  readonly tieEmbeddings?: boolean;
  /** `"rms"` (default): an RMSNorm before or after each sublayer and at the end. `"none"`: no norm anywhere. */
  readonly norm?: "rms" | "none";
  /** `"rope"` (default): queries and keys are rotated. `"none"`: no positions. */
  readonly position?: "rope" | "none";
}

/** Matrices in one feed-forward layer: 3 with SwiGLU, 2 without a gate. Source: Shazeer 2020, arXiv:2002.05202. */
export function feedForwardMatrices({ ffn = "swiglu" }: ModelShape): 2 | 3 {
  return ffn === "swiglu" ? 3 : 2;
}

/**
 * Checks a shape.
 * @returns It, unchanged.
 * @throws {OptionError} If a value cannot work, naming the first one and what it must be.
 */
export function validateShape(shape: ModelShape): ModelShape {
  const fail = (key: string, got: unknown, mustBe: string): never => {
    throw new OptionError(say`Cannot account for the model: got ${option(key)} ${String(got)}, must be ${mustBe}`);
  };
  for (const key of ["vocabSize", "contextLength", "dModel", "numLayers", "numHeads", "dFf"] as const) {
    if (!Number.isSafeInteger(shape[key]) || shape[key] < 1) fail(key, shape[key], "a positive integer");
  }
  if (shape.dModel % shape.numHeads !== 0) fail("dModel", shape.dModel, `divisible by ${shape.numHeads} heads`);
  const choices = { ffn: ["swiglu", "silu"], norm: ["rms", "none"], position: ["rope", "none"] } as const;
  for (const [key, words] of Object.entries(choices)) {
    const got: unknown = shape[key as keyof typeof choices];
    if (got !== undefined && !words.some((word) => word === got)) fail(key, got, words.join(" or "));
  }
  return shape;
}

const gpt2 = (numLayers: number, dModel: number, numHeads: number): ModelShape => {
  return { vocabSize: 50257, contextLength: 1024, dModel, numLayers, numHeads, dFf: 4 * dModel };
};

/**
 * GPT-2's four sizes with a hidden width of 4 · d, as the presets of these names. With SwiGLU's three matrices (the
 * default) and a head of its own they have more parameters than the originals: 190 M, 506 M, 1.07 B and 2.13 B.
 * Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", table 2 (head size 64).
 */
export const GPT2_SHAPES: Readonly<Record<"gpt2-small" | "gpt2-medium" | "gpt2-large" | "gpt2-xl", ModelShape>> = {
  "gpt2-small": gpt2(12, 768, 12),
  "gpt2-medium": gpt2(24, 1024, 16),
  "gpt2-large": gpt2(36, 1280, 20),
  "gpt2-xl": gpt2(48, 1600, 25),
};
