import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import type { Tensor } from "../graph/tensor.ts";
import { add } from "./add.ts";
import { embedding, embeddingBackward } from "./embedding.ts";
import { QuantizedTensor } from "./quantized_tensor.ts";
import { requireBelow } from "./shapes.ts";

/** y[n] = x[n] + weight[ids[n]]. x, y: (N, D); ids: (N) u32; weight: (V, D). Ids beyond V are taken for the last. */
export const addEmbeddingForward = defineKernel({
  name: "add_embedding_forward",
  inputs: ["x", "ids", "weight"],
  outputs: ["y"],
  integers: ["ids"],
  constants: { N: "u32", V: "u32", D: "u32" },
  halves: ["x", "y"],
  sizes: ({ N, V, D }) => ({ x: N * D, ids: N, weight: V * D, y: N * D }),
  touched: ({ N, V, D }) => ({ weight: Math.min(N, V) * D }),
  below: ({ V }) => ({ ids: V }),
  flops: ({ N, D }) => otherFlops(N * D),
  tries: [21, 20].map((D) => ({ constants: { N: 300, V: 37, D } })),
});

/**
 * Adds a learned row for each token id.
 *
 * @param x (…, width)
 * @param ids (…) of type u32, each less than vocabSize
 * @param weight (vocabSize, width)
 * @returns The shape of `x`.
 * @throws {RangeError} If shapes disagree.
 * @throws {TypeError} If `ids` are not of type u32, or another is.
 */
export function addEmbedding(graph: Graph, x: Tensor, ids: Tensor, weight: Tensor): Tensor {
  const [V, D] = weight.shape;
  if (weight.shape.length !== 2 || x.shape.join() !== [...ids.shape, D].join()) {
    throw new RangeError(
      `Cannot add an embedding: got ${x}, ${ids} and ${weight}, must be (…, width), (…) and (vocabulary, width)`,
    );
  }
  if (weight instanceof QuantizedTensor) return add(graph, embedding(graph, ids, weight), x);
  requireBelow("addEmbedding", ids, V);
  const N = ids.size;
  const y = graph.activation(`embedded(${x.name})`, x.shape);
  graph.call(addEmbeddingForward, { inputs: { x, ids, weight }, outputs: { y }, constants: { N, V, D } });
  return graph.record({
    op: "addEmbedding",
    inputs: [x, weight],
    output: y,
    backward: (dY, gradients) => {
      if (gradients.wants(weight)) {
        const { target: dWeight, accumulate } = gradients.into(weight);
        graph.call(embeddingBackward, {
          inputs: { ids, dY },
          outputs: { dWeight },
          constants: { N, V, D, accumulate },
        });
      }
      gradients.pass(x, dY);
    },
  });
}
