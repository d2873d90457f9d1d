import { attentionWidths, feedForwardMatrices, type ModelShape } from "./shape.ts";

/**
 * Options for counting. This file counts the matrix multiplications of a forward and backward pass. A product of (m, k)
 * and (k, p) is 2·m·k·p FLOPs (one multiply and one add per term). It leaves out norms, softmax, activations,
 * rotations, residual sums, embedding look-ups and the loss, which are of lower order: O(b·s·d), O(b·s·dFf), O(b·s²·h)
 * and O(b·s·v). `countProgram` in program.ts counts those too, from the kernels that ran.
 */
export interface FlopsOptions {
  /** b. Default: 1. */
  readonly batchSize?: number;
  /** s. Default: the shape's context length. */
  readonly seqLen?: number;
  /**
   * How causal attention's masked products are counted. `"full"` (default): all s² pairs, as a dense product would
   * compute them. `"half"`: s²/2, since a query sees only the keys before it; exact is s(s+1)/2, more by one part in s.
   * Source for half: Dao 2023, arXiv:2307.08691, section 4.1.
   */
  readonly causal?: "full" | "half";
  /**
   * The FLOPs of the backward pass of attention's score and value products, in multiples of their forward FLOPs.
   * `"stored"` (default): 2, with probabilities kept from the forward pass. `"flash"`: 2.5, with scores computed once
   * more (Dao 2022, arXiv:2205.14135). This project's backward pass needs 2.5, although on a GPU it has one kernel for
   * dQ and one for dK and dV, each of which computes the scores and dY·Vᵀ itself.
   */
  readonly attentionBackward?: keyof typeof ATTENTION_BACKWARD_FACTORS;
}

/** Backward over forward FLOPs of the score and value products: 4 and 5 products against 2. */
const ATTENTION_BACKWARD_FACTORS = { stored: 4 / 2, flash: 5 / 2 };

/** The matrix multiplications of one op, summed over the layers that have it. */
export interface OpFlops {
  /** The product, in words: `scores`, `head`. */
  readonly op: string;
  /** The part of the model to which it belongs. */
  readonly part: "attention" | "feed-forward" | "head";
  /** Forward FLOPs of one layer's op as a formula, in the symbols of shape.ts. */
  readonly formula: string;
  /** n for a layer's op, 1 for the head. */
  readonly times: number;
  /** Forward FLOPs of all layers. */
  readonly forward: number;
  /** Backward FLOPs of all layers: the gradients of both operands, each as large a product as the forward one. */
  readonly backward: number;
}

/**
 * FLOPs of every matrix multiplication in a training step, by op.
 *
 * | op                | one layer, forward                                    | backward                        |
 * | ----------------- | ----------------------------------------------------- | ------------------------------- |
 * | query, key, value | 6·b·s·d², or 2·b·s·d·(q + 2k)                         | 2 × forward: dX and dW          |
 * | scores            | 2·b·s²·d, or 2·b·s²·q                                 | 2 × forward: dQ and dK          |
 * | weighted values   | 2·b·s²·d, or 2·b·s²·q                                 | 2 × forward: dP and dV          |
 * | output projection | 2·b·s·d², or 2·b·s·d·q                                | 2 × forward                     |
 * | feed-forward      | 6·b·s·d·dFf with a gate, 4·b·s·d·dFf without          | 2 × forward                     |
 * | head              | 2·b·s·d·v, once                                       | 2 × forward                     |
 *
 * Together: n·(6·b·s·d·dFf + 8·b·s·d² + 4·b·s²·d) + 2·b·s·d·v. `options` change the s² terms; with a sliding window of w
 * keys they are s·w.
 */
export function opFlops(shape: ModelShape, options: FlopsOptions = {}): OpFlops[] {
  const { vocabSize: v, dModel: d, numLayers: n, dFf, slidingWindow = Infinity } = shape;
  const { batchSize: b = 1, seqLen: s = shape.contextLength, causal = "full", attentionBackward = "stored" } = options;
  const { q, k } = attentionWidths(shape);
  const matrices = feedForwardMatrices(shape);
  const window = Math.min(slidingWindow, s);
  const pairs = causal === "half" ? window * (s - window / 2) : s * window;
  const width = q === d ? "d" : "q";
  const pairsFormula = window === s
    ? causal === "half" ? `b·s²·${width}` : `2·b·s²·${width}`
    : causal === "half"
    ? `2·b·(s − w/2)·w·${width}`
    : `2·b·s·w·${width}`;
  const isPlain = q === d && k === d;
  const attentionFactor = ATTENTION_BACKWARD_FACTORS[attentionBackward];
  const op = (name: string, part: OpFlops["part"], formula: string, one: number, times = n, factor = 2): OpFlops => {
    return { op: name, part, formula, times, forward: times * one, backward: factor * times * one };
  };
  const inFormula = isPlain ? "6·b·s·d²" : "2·b·s·d·(q + 2k)";
  return [
    op("query, key, value", "attention", inFormula, 2 * b * s * d * (q + 2 * k)),
    op("scores", "attention", pairsFormula, 2 * b * pairs * q, n, attentionFactor),
    op("weighted values", "attention", pairsFormula, 2 * b * pairs * q, n, attentionFactor),
    op("output projection", "attention", q === d ? "2·b·s·d²" : "2·b·s·d·q", 2 * b * s * d * q),
    op("feed-forward", "feed-forward", `${2 * matrices}·b·s·d·dFf`, 2 * matrices * b * s * d * dFf),
    op("head", "head", "2·b·s·d·v", 2 * b * s * d * v, 1),
  ];
}

/** Forward FLOPs, and where they go. */
export interface ForwardFlops {
  /** The layers' and the head's. */
  readonly total: number;
  /** The output head's product, once. */
  readonly head: number;
  /** All layers. */
  readonly blocks: number;
  /** One layer. */
  readonly block: number;
  /** One layer's attention, projections included. */
  readonly attention: number;
  /** One layer's feed-forward. */
  readonly feedForward: number;
}

/** Forward matrix-multiply FLOPs: the sums of `opFlops`. */
export function forwardFlops(shape: ModelShape, options: FlopsOptions = {}): ForwardFlops {
  const ops = opFlops(shape, options);
  const sum = (part: OpFlops["part"]) => ops.filter((op) => op.part === part).reduce((x, op) => x + op.forward, 0);
  const attention = sum("attention") / shape.numLayers;
  const feedForward = sum("feed-forward") / shape.numLayers;
  const blocks = sum("attention") + sum("feed-forward");
  const head = sum("head");
  return { total: blocks + head, head, blocks, block: attention + feedForward, attention, feedForward };
}

/** Forward matrix-multiply FLOPs of one token among `seqLen`: the forward pass over one sequence, divided by s. */
export function forwardFlopsPerToken(shape: ModelShape, options: FlopsOptions = {}): number {
  const seqLen = options.seqLen ?? shape.contextLength;
  return forwardFlops(shape, { ...options, seqLen, batchSize: 1 }).total / seqLen;
}
