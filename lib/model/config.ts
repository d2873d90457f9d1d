import { option, OptionError, say, type Wording } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";

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
  /** Attention heads; each has dModel / numHeads dimensions. */
  readonly numHeads: number;
  /** Width of the feed-forward's hidden layer. With 8/3 · dModel, SwiGLU has the size of a plain one of 4 · dModel. */
  readonly dFf: number;
  /** Base of the rotary embedding's wavelengths. */
  readonly ropeTheta: number;
}

/** Parts of a model that can be left out or done in another way; the first of each is the default. */
export interface Architecture {
  /** RMSNorm, or no norm anywhere. */
  readonly norm?: "rms" | "none";
  /**
   * Where the norm is: on a sublayer's input, or on the residual stream after it. Both have a final norm before the
   * head.
   */
  readonly normPlace?: "pre" | "post";
  /** Rotary positions, or none: then only the causal mask tells attention about order. */
  readonly position?: "rope" | "none";
  /** w2(silu(w1 x) ⊙ w3 x), or w2(silu(w1 x)). */
  readonly ffn?: "swiglu" | "silu";
  /** Whether the output head is the embedding's matrix; by default it has its own. */
  readonly tieEmbeddings?: boolean;
}

/** The values of the architecture's switches, the default first. */
export const ARCHITECTURE_CHOICES = {
  norm: ["rms", "none"],
  normPlace: ["pre", "post"],
  position: ["rope", "none"],
  ffn: ["swiglu", "silu"],
} as const;

/** The architecture's defaults. */
export const ARCHITECTURE_DEFAULTS = {
  norm: "rms",
  normPlace: "pre",
  position: "rope",
  ffn: "swiglu",
  tieEmbeddings: false,
} as const satisfies Required<Architecture>;

/** Added to the mean square in every RMSNorm. */
export const RMSNORM_EPS = 1e-5;

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

/** Kernels count elements with 32 bits, and all parameters lie in one array. */
const MAX_ELEMENTS = 2 ** 32 - 1;

/** Each layer is traced separately. More than any model ever trained, and still done in seconds. */
const MAX_LAYERS = 10_000;

/**
 * Checks a configuration.
 * @returns It, unchanged.
 * @throws {OptionError} If a value cannot work, naming the first one and what it must be.
 */
export function validateModelConfig(config: ModelConfig): ModelConfig {
  const got = (key: keyof ModelConfig) => say`got ${option(key)} ${excerpt(config[key])}`;
  const counts = ["vocabSize", "contextLength", "dModel", "numLayers", "numHeads", "dFf"] as const;
  for (const key of counts) {
    if (!Number.isSafeInteger(config[key]) || config[key] < 1) {
      throw new OptionError(say`Cannot build the model: ${got(key)}, must be a positive integer`);
    }
  }
  const { dModel, numHeads, ropeTheta, position } = config;
  if (dModel % numHeads !== 0) {
    throw new OptionError(
      say`Cannot build the model: got ${option("dModel")} ${dModel} and ${numHeads} heads, must be ${
        option("dModel")
      } divisible by ${option("numHeads")}`,
    );
  }
  if (position !== "none" && (dModel / numHeads) % 2 !== 0) {
    throw new OptionError(
      say`Cannot build the model: got head size ${dModel / numHeads} (${option("dModel")} / ${
        option("numHeads")
      }), must be even for rotary positions`,
    );
  }
  requireCountable(config);
  if (!Number.isFinite(ropeTheta) || ropeTheta <= 0) {
    throw new OptionError(say`Cannot build the model: ${got("ropeTheta")}, must be a number above 0`);
  }
  for (const key of Object.keys(ARCHITECTURE_CHOICES) as (keyof typeof ARCHITECTURE_CHOICES)[]) {
    const choices: readonly string[] = ARCHITECTURE_CHOICES[key];
    if (config[key] !== undefined && !choices.includes(config[key])) {
      throw new OptionError(say`Cannot build the model: ${got(key)}, must be ${choices.join(" or ")}`);
    }
  }
  if (config.tieEmbeddings !== undefined && typeof config.tieEmbeddings !== "boolean") {
    throw new OptionError(say`Cannot build the model: ${got("tieEmbeddings")}, must be true or false`);
  }
  return config;
}

/** @throws {OptionError} If there are more elements than can be counted, naming the sizes that cause it. */
function requireCountable({ vocabSize, contextLength, dModel, numLayers, dFf }: ModelConfig): void {
  const refuse = (got: Wording, mustBe: string): never => {
    throw new OptionError(say`Cannot build the model: got ${got}, must be ${mustBe}`);
  };
  if (numLayers > MAX_LAYERS) refuse(say`${option("numLayers")} ${numLayers}`, `at most ${MAX_LAYERS}`);
  const width = say`${option("dModel")} ${dModel}`;
  const fits = `such that all arrays have at most ${MAX_ELEMENTS} elements`;
  if (contextLength * dModel > MAX_ELEMENTS) {
    refuse(say`${option("contextLength")} ${contextLength} with ${width}`, fits);
  }
  const embeddings = 2 * vocabSize * dModel;
  const layers = numLayers * (4 * dModel * dModel + 3 * dModel * dFf);
  // In memory each parameter begins at a multiple of 64 elements; a layer has nine.
  if (embeddings + layers + 64 * (9 * numLayers + 3) <= MAX_ELEMENTS) return;
  const got = embeddings > layers
    ? say`${option("vocabSize")} ${vocabSize} with ${width}`
    : dFf > dModel
    ? say`${option("dFf")} ${dFf} with ${width} in ${numLayers} layers`
    : say`${width} in ${numLayers} layers`;
  refuse(got, fits);
}
