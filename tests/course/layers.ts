// The course's adapters for layers and the model: each is a few ops of the public API.
import type { Backend } from "@bytelm/bytelm";
import type { Graph, Tensor } from "@bytelm/bytelm/graph";
import {
  add,
  attention,
  embedding,
  linear,
  permute,
  reshape,
  rmsnorm,
  rope,
  ropeAngles,
  scaledDotProductAttention,
  silu,
  softmax,
  swiglu,
} from "@bytelm/bytelm/ops";
import { compute, type NdArray } from "./arrays.ts";

type Weights = Readonly<Record<string, NdArray>>;

export const runLinear = (backend: Backend, weight: NdArray, x: NdArray) =>
  compute(backend, { weight, x }, (graph, { weight, x }) => linear(graph, x, weight));

export const runEmbedding = (backend: Backend, weight: NdArray, ids: NdArray) =>
  compute(backend, { weight, ids }, (graph, { weight, ids }) => embedding(graph, ids, weight));

export const runSilu = (backend: Backend, x: NdArray) => compute(backend, { x }, (graph, { x }) => silu(graph, x));

export const runSoftmax = (backend: Backend, x: NdArray, dim: number) =>
  compute(backend, { x }, (graph, { x }) => softmax(graph, x, dim));

export const runRmsnorm = (backend: Backend, eps: number, weight: NdArray, x: NdArray) =>
  compute(backend, { weight, x }, (graph, { weight, x }) => rmsnorm(graph, x, weight, eps));

export const runSwiglu = (backend: Backend, w1: NdArray, w2: NdArray, w3: NdArray, x: NdArray) =>
  compute(backend, { w1, w2, w3, x }, (graph, { w1, w2, w3, x }) => {
    const hidden = swiglu(graph, linear(graph, x, w1), linear(graph, x, w3));
    return linear(graph, hidden, w2);
  });

/**
 * @param q (…, T, dK)
 * @param k (…, S, dK)
 * @param v (…, S, dV)
 * @param mask (…, T, S) of 1 where a query sees a key, 0 where it does not; all see all without one.
 */
export function runScaledDotProductAttention(backend: Backend, q: NdArray, k: NdArray, v: NdArray, mask?: NdArray) {
  if (mask === undefined) {
    return compute(backend, { q, k, v }, (graph, { q, k, v }) => scaledDotProductAttention(graph, q, k, v));
  }
  const hidden = { shape: mask.shape, data: Uint32Array.from(mask.data, (seen) => seen === 0 ? 1 : 0) };
  return compute(
    backend,
    { q, k, v, hidden },
    (graph, { q, k, v, hidden }) => scaledDotProductAttention(graph, q, k, v, { hidden }),
  );
}

/** The rotary tables of positions 0 to `maxSeqLen` − 1, as arrays. */
function ropeTables(maxSeqLen: number, headDim: number, theta: number): { cos: NdArray; sin: NdArray } {
  const { cos, sin } = ropeAngles(maxSeqLen, headDim, theta);
  const shape = [maxSeqLen, headDim / 2];
  return { cos: { shape, data: cos }, sin: { shape, data: sin } };
}

/**
 * @param x (…, T, dK)
 * @param positions (…, T), or (T) for all
 */
export function runRope(
  backend: Backend,
  dK: number,
  theta: number,
  maxSeqLen: number,
  x: NdArray,
  positions: NdArray,
): Promise<NdArray> {
  const rows = [x.data.length / dK / x.shape.at(-2)!, x.shape.at(-2)!];
  const all = Uint32Array.from({ length: rows[0] * rows[1] }, (_, i) => positions.data[i % positions.data.length]);
  const arrays = { x, positions: { shape: rows, data: all }, ...ropeTables(maxSeqLen, dK, theta) };
  return compute(backend, arrays, (graph, { x, ...tables }) => {
    const y = rope(graph, reshape(graph, x, [...rows, dK]), dK, tables);
    return reshape(graph, y, x.shape);
  });
}

/** Projects, mixes causally, projects back. x: (B, T, dModel); weights: (dModel, dModel), of all heads together. */
function selfAttention(
  graph: Graph,
  x: Tensor,
  numHeads: number,
  weights: Readonly<Record<"q" | "k" | "v" | "output", Tensor>>,
  rotate: (heads: Tensor) => Tensor,
): Tensor {
  const [q, k] = [weights.q, weights.k].map((weight) => rotate(linear(graph, x, weight)));
  const v = linear(graph, x, weights.v);
  // Inputs that are never written are zeros: the first query is at position 0.
  const start = graph.input("start", [1], { dtype: "u32" });
  return linear(graph, attention(graph, q, k, v, numHeads, start), weights.output);
}

interface AttentionWeights {
  readonly q: NdArray;
  readonly k: NdArray;
  readonly v: NdArray;
  readonly output: NdArray;
}

export const runMultiheadSelfAttention = (backend: Backend, numHeads: number, weights: AttentionWeights, x: NdArray) =>
  compute(
    backend,
    { ...weights, x },
    (graph, { x, ...weights }) => selfAttention(graph, x, numHeads, weights, (heads) => heads),
  );

/** @param positions (B, T) */
export function runMultiheadSelfAttentionWithRope(
  backend: Backend,
  { numHeads, maxSeqLen, theta }: { numHeads: number; maxSeqLen: number; theta: number },
  weights: AttentionWeights,
  x: NdArray,
  positions: NdArray,
): Promise<NdArray> {
  const headDim = x.shape[2] / numHeads;
  const arrays = { ...weights, x, positions, ...ropeTables(maxSeqLen, headDim, theta) };
  return compute(
    backend,
    arrays,
    (graph, { x, cos, sin, positions, ...weights }) =>
      selfAttention(graph, x, numHeads, weights, (heads) => rope(graph, heads, headDim, { cos, sin, positions })),
  );
}

/** The same attention from its parts: heads apart, any mask. x: (B, T, dModel); hidden: (T, T). */
export function runAttentionByParts(
  backend: Backend,
  numHeads: number,
  weights: AttentionWeights,
  x: NdArray,
  hidden: NdArray,
): Promise<NdArray> {
  const [B, T, dModel] = x.shape;
  return compute(backend, { ...weights, x, hidden }, (graph, { x, hidden, ...weights }) => {
    const heads = (weight: Tensor) =>
      permute(graph, reshape(graph, linear(graph, x, weight), [B, T, numHeads, -1]), [0, 2, 1, 3]);
    const mixed = scaledDotProductAttention(graph, heads(weights.q), heads(weights.k), heads(weights.v), { hidden });
    return linear(graph, reshape(graph, permute(graph, mixed, [0, 2, 1, 3]), [B, T, dModel]), weights.output);
  });
}

/** What a block, and a model of several, is made of. */
export interface BlockConfig {
  readonly numHeads: number;
  readonly theta: number;
  readonly eps: number;
}

/** Pre-norm: attention and SwiGLU beside the residual stream. `tensors` are named as in the course, after `prefix`. */
function block(
  graph: Graph,
  x: Tensor,
  { numHeads, eps }: BlockConfig,
  tensors: Readonly<Record<string, Tensor>>,
  prefix = "",
): Tensor {
  const weight = (name: string) => tensors[`${prefix}${name}.weight`];
  const { cos, sin } = tensors;
  const headDim = x.lastDim / numHeads;
  const start = graph.input("start", [1], { dtype: "u32" });
  const [q, k, v, output] = ["q_proj", "k_proj", "v_proj", "output_proj"].map((name) => weight(`attn.${name}`));
  const normed = rmsnorm(graph, x, weight("ln1"), eps);
  const mixed = selfAttention(
    graph,
    normed,
    numHeads,
    { q, k, v, output },
    (heads) => rope(graph, heads, headDim, { cos, sin, start }),
  );
  const between = add(graph, x, mixed);
  const input = rmsnorm(graph, between, weight("ln2"), eps);
  const hidden = swiglu(graph, linear(graph, input, weight("ffn.w1")), linear(graph, input, weight("ffn.w3")));
  return add(graph, between, linear(graph, hidden, weight("ffn.w2")));
}

export function runTransformerBlock(
  backend: Backend,
  config: BlockConfig,
  weights: Weights,
  x: NdArray,
): Promise<NdArray> {
  const [, T, dModel] = x.shape;
  const arrays: Weights = { ...weights, ...ropeTables(T, dModel / config.numHeads, config.theta), x };
  return compute(backend, arrays, (graph, tensors) => block(graph, tensors.x, config, tensors));
}

/** @param ids (B, T) */
export function runTransformerLm(
  backend: Backend,
  config: BlockConfig & { readonly numLayers: number },
  weights: Weights,
  ids: NdArray,
): Promise<NdArray> {
  const headDim = weights["token_embeddings.weight"].shape[1] / config.numHeads;
  const arrays: Weights = { ...weights, ...ropeTables(ids.shape[1], headDim, config.theta), ids };
  return compute(backend, arrays, (graph, tensors) => {
    let x = embedding(graph, tensors.ids, tensors["token_embeddings.weight"]);
    for (let i = 0; i < config.numLayers; i++) x = block(graph, x, config, tensors, `layers.${i}.`);
    return linear(graph, rmsnorm(graph, x, tensors["ln_final.weight"], config.eps), tensors["lm_head.weight"]);
  });
}
