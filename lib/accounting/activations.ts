import { isGated, withDefaults } from "../model/architecture.ts";
import { attentionWidths, type ModelShape } from "./shape.ts";

/** The activation of each kind of feed-forward. */
const ACTIVATIONS = {
  swiglu: "silu",
  silu: "silu",
  geglu: "gelu",
  gelu: "gelu",
  gelu_erf: "gelu",
  relu_squared: "relu²",
} as const;

/** Outputs of one op that wait for the backward pass. */
export interface ActivationItem {
  /** The op, in words. */
  readonly name: string;
  /** Numbers per layer (or once) as a formula, in the symbols of shape.ts. */
  readonly formula: string;
  /** Whether every layer keeps them. */
  readonly perLayer: boolean;
  /** How many numbers: of one layer, if `perLayer`. */
  readonly count: number;
}

/** Options that decide how much is kept. */
export interface ActivationOptions {
  /** b. Default: 1. */
  readonly batchSize?: number;
  /** s. Default: the shape's context length. */
  readonly seqLen?: number;
  /**
   * `"stored"` (default): scores and probabilities of every pair of positions are kept, 2·b·s²·h.
   * `"flash"`: only each query's softmax statistic is kept, b·s·h. Source: Dao et al. 2022, arXiv:2205.14135.
   */
  readonly attention?: "stored" | "flash";
  /**
   * Whether to keep only each layer's input, and run its forward pass again during the backward pass: one layer's
   * activations at a time. Costs one more forward pass of the layers. Default: false.
   * Source: Chen et al. 2016, arXiv:1604.06174.
   */
  readonly checkpointing?: boolean;
}

/**
 * What a textbook implementation keeps for the backward pass: the output of every op. With two feed-forward matrices and
 * stored attention it sums to n(2bs + 10bsd + 2bs²h + 2bs·dFf) + bs + bsd + 2bsv, the write-up's formula, whose terms are
 * read here as: per layer two norms with one statistic per row (2bs, 2bsd), queries, keys, values (3bsd), rotated queries
 * and keys (2bsd), scores and probabilities (2bs²h), weighted values, both output projections (3bsd), the hidden layer
 * before and after its activation (2bs·dFf); then the final norm (bs, bsd), logits and probabilities (2bsv).
 * A gate adds its second hidden projection and the product (2bs·dFf more). Norms of queries and keys, other widths of
 * heads, LayerNorm's second statistic, and capped logits are counted as they are in the model; values with an embedding
 * added take the place of those without. The residual sums and the embedding's output are left out, as the write-up does.
 */
export function activationItems(shape: ModelShape, options: ActivationOptions = {}): ActivationItem[] {
  const { vocabSize: v, dModel: d, numHeads: h, dFf } = shape;
  const { ffn, norm, position, qkNorm, numKeyValueHeads, logitSoftCap } = withDefaults(shape);
  const { q, k } = attentionWidths(shape);
  const isPlain = q === d && k === d;
  const { batchSize: b = 1, seqLen: s = shape.contextLength, attention = "stored" } = options;
  const bs = b * s;
  const items: ActivationItem[] = [];
  const layer = (name: string, formula: string, count: number) => items.push({ name, formula, perLayer: true, count });
  const once = (name: string, formula: string, count: number) => items.push({ name, formula, perLayer: false, count });
  if (norm === "rms") layer("norms", "2bs + 2bsd", 2 * bs + 2 * bs * d);
  if (norm === "layer") layer("norms", "4bs + 2bsd", 4 * bs + 2 * bs * d);
  layer("queries, keys, values", isPlain ? "3bsd" : "bs(q + 2k)", bs * (q + 2 * k));
  if (qkNorm === "head") {
    layer("normed queries, keys", "bs(q + k) + bs(heads)", bs * (q + k) + bs * (h + numKeyValueHeads));
  }
  if (qkNorm === "width") layer("normed queries, keys", "bs(q + k) + 2bs", bs * (q + k) + 2 * bs);
  if (position === "rope") layer("rotated queries, keys", isPlain ? "2bsd" : "bs(q + k)", bs * (q + k));
  if (attention === "stored") layer("scores, probabilities", "2bs²h", 2 * bs * s * h);
  else layer("softmax statistics", "bsh", bs * h);
  layer("weighted values, output projection", q === d ? "2bsd" : "bs(q + d)", bs * (q + d));
  const activation = ACTIVATIONS[ffn];
  if (isGated(ffn)) layer(`hidden layer: gate, ${activation}(gate), up, product`, "4bs·dFf", 4 * bs * dFf);
  else layer(`hidden layer: before and after ${activation}`, "2bs·dFf", 2 * bs * dFf);
  layer("feed-forward output", "bsd", bs * d);
  if (norm === "rms") once("final norm", "bs + bsd", bs + bs * d);
  if (norm === "layer") once("final norm", "2bs + bsd", 2 * bs + bs * d);
  once("logits, probabilities", "2bsv", 2 * bs * v);
  if (logitSoftCap !== undefined) once("capped logits", "bsv", bs * v);
  return items;
}

/** Numbers kept for the backward pass at its peak. */
export function countActivations(shape: ModelShape, options: ActivationOptions = {}): number {
  const items = activationItems(shape, options);
  const sum = (perLayer: boolean) => items.reduce((x, item) => x + (item.perLayer === perLayer ? item.count : 0), 0);
  if (!options.checkpointing) return shape.numLayers * sum(true) + sum(false);
  const { batchSize = 1, seqLen = shape.contextLength } = options;
  return shape.numLayers * batchSize * seqLen * shape.dModel + sum(true) + sum(false);
}
