// Parts of a Transformer that can be left out or done in another way.

/** Parts of a model that can be left out or done in another way; the first of each is the default. */
export interface Architecture {
  /** RMSNorm, LayerNorm with a bias, or no norm anywhere. */
  readonly norm?: "rms" | "layer" | "none";
  /**
   * Where the norm is: on a sublayer's input; on the residual stream after it; or on the sublayer's output, before it is
   * added (as in OLMo 2). All have a final norm before the head.
   */
  readonly normPlace?: "pre" | "post" | "output";
  /**
   * Rotary positions; a learned vector for each position, added to the embedding; or none: then only the causal mask
   * tells attention about order.
   */
  readonly position?: "rope" | "learned" | "none";
  /**
   * w2(silu(w1 x) ⊙ w3 x), or w2(silu(w1 x)); `"geglu"`: w2(gelu(w1 x) ⊙ w3 x), and `"gelu"`: w2(gelu(w1 x)), both with
   * the approximation of GELU by tanh; `"gelu_erf"`: w2(gelu(w1 x)) with GELU's own definition;
   * `"relu_squared"`: w2(max(w1 x, 0)²), from So et al. 2021, arXiv:2109.08668.
   */
  readonly ffn?: "swiglu" | "silu" | "geglu" | "gelu" | "gelu_erf" | "relu_squared";
  /** Whether the output head is the embedding's matrix; by default it has its own. */
  readonly tieEmbeddings?: boolean;
  /**
   * Heads of keys and values, each of which numHeads / numKeyValueHeads query heads share; default: numHeads. With 1, it
   * is multi-query attention. Source: Ainslie et al. 2023, arXiv:2305.13245.
   */
  readonly numKeyValueHeads?: number;
  /** Dimensions of a head; default: dModel / numHeads. */
  readonly headDim?: number;
  /** Added to the mean square, or to the variance, in every norm; default: 1e-5. */
  readonly normEps?: number;
  /**
   * Which linear maps have a bias: none; queries, keys and values; these and attention's output; or all of them and the
   * feed-forward's. The output head has none.
   */
  readonly bias?: "none" | "qkv" | "attention" | "all";
  /**
   * RMSNorm of queries and keys, before they are rotated: none; of each head by itself, with one weight vector for all
   * heads; or over the whole width of all heads. Source: Henry et al. 2020, arXiv:2010.04245.
   */
  readonly qkNorm?: "none" | "head" | "width";
  /**
   * Whether attention's values get a row of a table added that their token looks up, in layers that have a table of their
   * own: none; every second layer, so that the last has one; or all. The tables start as zeros. Source: modded-nanogpt,
   * after Zhou et al. 2024, arXiv:2410.17897; every second layer as in nanochat.
   */
  readonly valueEmbeddings?: "none" | "alternate" | "all";
  /** How the rotary positions' wavelengths are stretched, for a context longer than the one first trained with. */
  readonly ropeScaling?: RopeScaling;
  /** Dimensions of each head that are rotated, the first ones; default: headDim. */
  readonly rotaryDim?: number;
  /** A query attends to this many keys at most, its own and those right before it; default: to all before it. */
  readonly slidingWindow?: number;
  /** What token embeddings are multiplied by; default: 1. */
  readonly embeddingScale?: number;
  /**
   * Logits become logitSoftCap · tanh(logits / logitSoftCap), so that none is beyond it; default: they stay. Gemma 2 has 30.
   * Source: Gemma Team 2024, arXiv:2408.00118.
   */
  readonly logitSoftCap?: number;
  /**
   * Whether token embeddings are multiplied by √dModel and start with a standard deviation of 1 / √dModel: what enters
   * the first block then starts as large as if they were not tied, and the logits of a tied head start near 1. Default:
   * no. Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.4; Gemma.
   */
  readonly scaleEmbeddings?: boolean;
  /**
   * Whether attention and feed-forward both read a block's input, x + attention(ln1 x) + feedForward(ln2 x), instead of
   * one after the other; default: no.
   */
  readonly parallelBlocks?: boolean;
}

/** How the rotary positions' wavelengths are stretched. `factor` is by how much, for the longest of them. */
export type RopeScaling = LinearRopeScaling | Llama3RopeScaling | YarnRopeScaling;

/** Every wavelength is multiplied by the factor. Source: Chen et al. 2023, arXiv:2306.15595. */
export interface LinearRopeScaling {
  /** This way. */
  readonly type: "linear";
  /** At least 1. */
  readonly factor: number;
}

/**
 * Wavelengths longer than originalContextLength / lowFreqFactor are multiplied by the factor, those shorter than
 * originalContextLength / highFreqFactor stay, and those between are interpolated. Source: Llama 3.1's model code.
 */
export interface Llama3RopeScaling {
  /** This way. */
  readonly type: "llama3";
  /** At least 1. */
  readonly factor: number;
  /** Above 0 and below `highFreqFactor`. */
  readonly lowFreqFactor: number;
  /** Above `lowFreqFactor`. */
  readonly highFreqFactor: number;
  /** The context length that the model was first trained with. */
  readonly originalContextLength: number;
}

/**
 * Wavelengths of which the original context has fewer than `betaSlow` turns are multiplied by the factor, those with
 * more than `betaFast` stay, and those between are interpolated. Source: Peng et al. 2023, arXiv:2309.00071.
 */
export interface YarnRopeScaling {
  /** This way. */
  readonly type: "yarn";
  /** At least 1. */
  readonly factor: number;
  /** The context length that the model was first trained with. */
  readonly originalContextLength: number;
  /** Turns; default: 32. */
  readonly betaFast?: number;
  /** Turns; default: 1. */
  readonly betaSlow?: number;
  /** What rotated queries and keys are multiplied by; default: 0.1 · ln(factor) + 1. */
  readonly attentionFactor?: number;
}

/** The values of the architecture's switches, the default first. */
export const ARCHITECTURE_CHOICES = {
  norm: ["rms", "layer", "none"],
  normPlace: ["pre", "post", "output"],
  position: ["rope", "learned", "none"],
  ffn: ["swiglu", "silu", "geglu", "gelu", "gelu_erf", "relu_squared"],
  bias: ["none", "qkv", "attention", "all"],
  qkNorm: ["none", "head", "width"],
  valueEmbeddings: ["none", "alternate", "all"],
} as const;

/** The ways to stretch the rotary positions' wavelengths. */
export const ROPE_SCALING_TYPES = ["linear", "llama3", "yarn"] as const;

/** The defaults of the switches that a run's config.json spells out. It has the others only if they were given. */
export const ARCHITECTURE_DEFAULTS = {
  norm: "rms",
  normPlace: "pre",
  position: "rope",
  ffn: "swiglu",
  tieEmbeddings: false,
} as const satisfies Architecture;

/** What is added to the mean square, or to the variance, in a norm unless the configuration says otherwise. */
export const DEFAULT_NORM_EPS = 1e-5;

/** The sizes that the defaults of others depend on. */
export interface AttentionSizes {
  /** Width of the residual stream. */
  readonly dModel: number;
  /** Attention heads. */
  readonly numHeads: number;
}

/** The parts that have no default value: without them, the model does without. */
type Absent = "ropeScaling" | "slidingWindow" | "embeddingScale" | "logitSoftCap";

/** An architecture with every default filled in. */
export type FullArchitecture = Required<Omit<Architecture, Absent>> & Pick<Architecture, Absent>;

/** Fills in the defaults. Other fields of the configuration are kept as they are. */
export function withDefaults<T extends Architecture & AttentionSizes>(config: T): T & FullArchitecture {
  const { numHeads, dModel, scaleEmbeddings = false } = config;
  const headDim = config.headDim ?? dModel / numHeads;
  const given = Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined)) as T;
  return {
    ...ARCHITECTURE_DEFAULTS,
    numKeyValueHeads: numHeads,
    headDim,
    normEps: DEFAULT_NORM_EPS,
    bias: "none",
    qkNorm: "none",
    valueEmbeddings: "none",
    rotaryDim: headDim,
    scaleEmbeddings,
    ...(scaleEmbeddings && { embeddingScale: Math.sqrt(dModel) }),
    parallelBlocks: false,
    ...given,
  };
}

/** The parts that a configuration has only if they were given. */
const OPTIONAL = [
  "numKeyValueHeads",
  "headDim",
  "normEps",
  "bias",
  "qkNorm",
  "valueEmbeddings",
  "rotaryDim",
  "embeddingScale",
  "scaleEmbeddings",
  "parallelBlocks",
] as const;

/** The configuration without optional parts that say what is the default anyway, so that equal ones compare as equal. */
export function withoutDefaults<T extends Architecture & AttentionSizes>(config: T): T {
  const { dModel, numHeads, headDim = dModel / numHeads } = config;
  const defaults = { ...withDefaults({ dModel, numHeads }), rotaryDim: headDim, embeddingScale: 1 };
  const isDefault = (key: string) => OPTIONAL.some((name) => name === key && config[name] === defaults[name]);
  return Object.fromEntries(Object.entries(config).filter(([key]) => !isDefault(key))) as T;
}

/** The layers whose values get an embedding of their token added. */
export function valueEmbeddingLayers(
  { valueEmbeddings = "none", numLayers }: Architecture & { readonly numLayers: number },
): number[] {
  const layers = [...Array(numLayers).keys()];
  if (valueEmbeddings === "none") return [];
  return valueEmbeddings === "all" ? layers : layers.filter((layer) => (numLayers - 1 - layer) % 2 === 0);
}

/** Whether the feed-forward's hidden layer is multiplied by a third map of its input, w3 x. */
export function isGated(ffn: Architecture["ffn"]): boolean {
  return ffn === undefined || ffn === "swiglu" || ffn === "geglu";
}
