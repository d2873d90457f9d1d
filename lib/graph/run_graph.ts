import type { Backend, HostArray } from "../backend/backend.ts";
import { compile } from "./compiled_graph.ts";
import type { Graph } from "./graph.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Computes a graph once and reads one tensor: for a first try, or a test. To run it again, or to read several tensors,
 * {@linkcode compile} it; a training loop of your own does, and gives the gradients to a `TensorOptimizer` of `./train`.
 * Parameters that the graph uses stay on the backend, with the values given here, if any.
 *
 * @param result The tensor to read: a result of the graph, an input, or a tensor with a fixed place.
 * @param inputs Elements of inputs and of tensors with a fixed place; inputs that are left out are zeros.
 * @returns As many elements as the tensor has: a `Float32Array`, or a `Uint32Array` for integers.
 * @throws {RangeError} If an input's elements do not fit, or are out of range.
 * @throws {Error} If the backend cannot load the graph, or nothing computes the result.
 *
 * @example
 * ```ts
 * import { createBackend } from "@bytelm/bytelm/backend";
 * import { Graph, runGraph } from "@bytelm/bytelm/graph";
 * import { linear } from "@bytelm/bytelm/ops";
 *
 * const graph = new Graph();
 * const x = graph.input("x", [1, 2]);
 * const weight = graph.input("weight", [3, 2]);
 * const y = linear(graph, x, weight);
 * await using backend = await createBackend("wasm", { workers: 1 });
 * console.log(await runGraph(backend, graph, y, [[x, [1, 2]], [weight, [1, 0, 0, 1, 1, 1]]])); // 1, 2, 3
 * ```
 */
export async function runGraph(
  backend: Backend,
  graph: Graph,
  result: Tensor,
  inputs: Iterable<readonly [tensor: Tensor, values: ArrayLike<number>]> = [],
): Promise<HostArray> {
  using compiled = await compile(backend, graph, { keep: [result] });
  for (const [tensor, values] of inputs) compiled.set(tensor, values);
  await compiled.run();
  return await compiled.read(result);
}
