import type { Graph } from "../graph/graph.ts";
import { Tensor } from "../graph/tensor.ts";
import { embeddingForward } from "./embedding.ts";
import { requireBelow } from "./shapes.ts";

/**
 * Picks rows of `x`: generation needs the logits of one position only. The same kernel as an embedding's look-up; no
 * gradient flows through it.
 *
 * @param x (…, D), its leading dimensions taken as one
 * @param indices (N) of type u32, each less than the number of rows
 * @returns (N, D)
 * @throws {TypeError} If `indices` are not of type u32, or `x` is.
 */
export function selectRows(graph: Graph, x: Tensor, indices: Tensor): Tensor {
  requireBelow("selectRows", indices, x.rows);
  const y = new Tensor(`rows(${x.name})`, [indices.size, x.lastDim]);
  graph.call(embeddingForward, {
    inputs: { ids: indices, weight: x },
    outputs: { y },
    constants: { N: indices.size, V: x.rows, D: x.lastDim },
  });
  return y;
}
