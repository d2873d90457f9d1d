import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import { Tensor } from "../graph/tensor.ts";
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

/** dWeight[v] (+)= Σ over n with ids[n] = v, in ascending n, of dY[n]. No atomics, so the same bits every time. */
export const embeddingBackward = defineKernel({
  name: "embedding_backward",
  inputs: ["ids", "dY"],
  outputs: ["dWeight"],
  integers: ["ids"],
  constants: { N: "u32", V: "u32", D: "u32", accumulate: "u32" },
  writes: { dWeight: { addedIf: "accumulate" } },
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
