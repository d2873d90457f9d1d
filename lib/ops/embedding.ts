import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import { Tensor } from "../graph/tensor.ts";
import { weightSizes, weightToTry } from "./linear_quantized.ts";
import { BITS_OF, wordsPerRow } from "./quantize.ts";
import { QuantizedTensor } from "./quantized_tensor.ts";
import { requireBelow } from "./shapes.ts";

/** y[n] = weight[ids[n]]. ids: (N) u32, weight: (V, D), y: (N, D). Ids beyond V are taken for the last. */
export const embeddingForward = defineKernel({
  name: "embedding_forward",
  inputs: ["ids", "weight"],
  outputs: ["y"],
  integers: ["ids"],
  constants: { N: "u32", V: "u32", D: "u32" },
  sizes: ({ N, V, D }) => ({ ids: N, weight: V * D, y: N * D }),
  touched: ({ N, V, D }) => ({ weight: Math.min(N, V) * D }),
  below: ({ V }) => ({ ids: V }),
  flops: () => otherFlops(0),
  tries: [21, 20].map((D) => ({ constants: { N: 300, V: 37, D } })),
});

/**
 * The same of a weight in bf16 (`bits` 16) or int8 (8), each row times its scale. weight: (V, words of a row),
 * scales: (V).
 */
export const embeddingQuantizedForward = defineKernel({
  name: "embedding_quantized_forward",
  inputs: ["ids", "weight", "scales"],
  outputs: ["y"],
  integers: ["ids", "weight"],
  constants: { N: "u32", V: "u32", D: "u32", bits: "u32" },
  sizes: ({ N, V, D, bits }) => ({ ids: N, ...weightSizes({ I: D, O: V, bits }), y: N * D }),
  touched: ({ N, V, D, bits }) => ({ weight: Math.min(N, V) * wordsPerRow(D, bits), scales: Math.min(N, V) }),
  below: ({ V }) => ({ ids: V, weight: 2 ** 32 }),
  flops: ({ N, D }) => otherFlops(N * D),
  tries: ([["bf16", 21], ["bf16", 20], ["int8", 21], ["int8", 20]] as const).map(([dtype, D]) => ({
    constants: { N: 300, V: 37, D, bits: BITS_OF[dtype] },
    inputs: weightToTry(37, D, dtype),
  })),
});

/** dWeight[v] (+)= Σ over n with ids[n] = v, in ascending n, of dY[n]. No atomics, so the same bits every time. */
export const embeddingBackward = defineKernel({
  name: "embedding_backward",
  inputs: ["ids", "dY"],
  outputs: ["dWeight"],
  integers: ["ids"],
  constants: { N: "u32", V: "u32", D: "u32", accumulate: "u32" },
  writes: { dWeight: { addedIf: "accumulate" } },
  halves: ["dY"],
  sizes: ({ N, V, D }) => ({ ids: N, dY: N * D, dWeight: V * D }),
  below: ({ V }) => ({ ids: V }),
  flops: ({ N, D }) => otherFlops(N * D),
  tries: [{ constants: { N: 300, V: 37, D: 20, accumulate: 1 } }],
});

/**
 * Looks up a row for each token id.
 *
 * @param ids (…) of type u32, each less than vocabSize
 * @param weight (vocabSize, dModel)
 * @returns (…, dModel)
 * @throws {RangeError} If `weight` has not two dimensions.
 * @throws {TypeError} If `ids` are not of type u32, or `weight` is.
 */
export function embedding(graph: Graph, ids: Tensor, weight: Tensor): Tensor {
  const [V, D] = weight.shape;
  if (weight.shape.length !== 2) {
    throw new RangeError(`Cannot apply embedding: got ${weight}, must be (vocabulary, width)`);
  }
  requireBelow("embedding", ids, V);
  const N = ids.size;
  const y = new Tensor(`embedding(${weight.name})`, [...ids.shape, D]);
  if (weight instanceof QuantizedTensor) {
    const { words, scales, bits } = weight;
    const inputs = { ids, weight: words, scales };
    graph.call(embeddingQuantizedForward, { inputs, outputs: { y }, constants: { N, V, D, bits } });
    return y;
  }
  graph.call(embeddingForward, { inputs: { ids, weight }, outputs: { y }, constants: { N, V, D } });
  return graph.record({
    op: "embedding",
    inputs: [weight],
    output: y,
    backward: (dY, gradients) => {
      const { target: dWeight, accumulate } = gradients.into(weight);
      graph.call(embeddingBackward, {
        inputs: { ids, dY },
        outputs: { dWeight },
        constants: { N, V, D, accumulate },
      });
    },
  });
}
