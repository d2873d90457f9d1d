import { option, OptionError, say } from "../errors.ts";
import { type Architecture, ARCHITECTURE_CHOICES, isGated, withDefaults } from "../model/architecture.ts";

/**
 * What accounting needs to know about a model. A run's `ModelConfig` has the same keys, so you can pass it as it is.
 *
 * Symbols in the formulas of this folder: v = vocabSize, s = sequence length, d = dModel, n = numLayers, h = numHeads,
 * q = the width of all query heads, k = that of all key heads (both d by default), dFf = the feed-forward's hidden width,
 * b = batch size.
 */
export interface ModelShape extends Architecture {
  /** v */
  readonly vocabSize: number;
  /** The length of the longest sequence, in tokens; the default for s. */
  readonly contextLength: number;
  /** d: width of the residual stream. */
  readonly dModel: number;
  /** n */
  readonly numLayers: number;
  /** h; each head has d / h dimensions, unless `headDim` says otherwise. */
  readonly numHeads: number;
  /** dFf */
  readonly dFf: number;
}

/** Matrices in one feed-forward layer: 3 with a gate, 2 without. Source: Shazeer 2020, arXiv:2002.05202. */
export function feedForwardMatrices({ ffn }: ModelShape): 2 | 3 {
  return isGated(ffn) ? 3 : 2;
}

/** q and k: the widths of the queries of all heads, and of the keys, which the values share. Both are d by default. */
export function attentionWidths(shape: ModelShape): { readonly q: number; readonly k: number } {
  const { numHeads, numKeyValueHeads, headDim } = withDefaults(shape);
  return { q: numHeads * headDim, k: numKeyValueHeads * headDim };
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
  const counts = ["vocabSize", "contextLength", "dModel", "numLayers", "numHeads", "dFf"] as const;
  const optionalCounts = ["numKeyValueHeads", "headDim", "slidingWindow"] as const;
  for (const key of [...counts, ...optionalCounts.filter((key) => shape[key] !== undefined)]) {
    if (!Number.isSafeInteger(shape[key]) || shape[key]! < 1) fail(key, shape[key], "a positive integer");
  }
  const { dModel, numHeads, headDim, numKeyValueHeads = numHeads } = shape;
  if (headDim === undefined && dModel % numHeads !== 0) fail("dModel", dModel, `divisible by ${numHeads} heads`);
  if (numHeads % numKeyValueHeads !== 0) {
    fail("numKeyValueHeads", numKeyValueHeads, `a divisor of ${numHeads} heads`);
  }
  for (const [key, words] of Object.entries(ARCHITECTURE_CHOICES)) {
    const got: unknown = shape[key as keyof typeof ARCHITECTURE_CHOICES];
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
