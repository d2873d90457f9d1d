import type { Architecture } from "./architecture.ts";

export { type Architecture, ARCHITECTURE_CHOICES, ARCHITECTURE_DEFAULTS, type RopeScaling } from "./architecture.ts";
export { validateModelConfig } from "./validate_config.ts";

/** A Transformer's shape: everything needed to build it, and saved beside its weights. */
export interface ModelConfig extends Architecture {
  /** Rows of the embedding and of the output head; every token id is below it. */
  readonly vocabSize: number;
  /** The length of the longest sequence, in tokens. */
  readonly contextLength: number;
  /** Width of the residual stream. */
  readonly dModel: number;
  /** Blocks of attention and feed-forward, one after the other. */
  readonly numLayers: number;
  /** Attention heads; each has dModel / numHeads dimensions, unless `headDim` says otherwise. */
  readonly numHeads: number;
  /** Width of the feed-forward's hidden layer. With 8/3 · dModel, SwiGLU has the size of a plain one of 4 · dModel. */
  readonly dFf: number;
  /** Base of the rotary embedding's wavelengths. */
  readonly ropeTheta: number;
}

/** A named shape. If there is a tokenizer, its vocabulary size replaces the preset's. */
export type Preset = Omit<ModelConfig, "vocabSize"> & { readonly vocabSize?: number };

const gpt2 = (numLayers: number, dModel: number, numHeads: number): Preset => {
  return { vocabSize: 50257, contextLength: 1024, dModel, numLayers, numHeads, dFf: 4 * dModel, ropeTheta: 10000 };
};

/** The small model of Stanford CS336's first assignment. */
const cs336 = { contextLength: 256, dModel: 512, numLayers: 4, numHeads: 16, dFf: 1344, ropeTheta: 10000 };

/** Shapes by name. */
export const PRESETS: Readonly<Record<string, Preset>> = {
  /** About a million parameters with a small vocabulary: learns Shakespeare's style in minutes on a CPU. */
  tiny: { contextLength: 128, dModel: 128, numLayers: 4, numHeads: 4, dFf: 344, ropeTheta: 10000 },
  tinystories: { vocabSize: 10_000, ...cs336 },
  owt: { vocabSize: 32_000, ...cs336 },
  // GPT-2's widths and depths in this project's architecture. Source: Radford et al. 2019, table 2.
  "gpt2-small": gpt2(12, 768, 12),
  "gpt2-medium": gpt2(24, 1024, 16),
  "gpt2-large": gpt2(36, 1280, 20),
  "gpt2-xl": gpt2(48, 1600, 25),
};
