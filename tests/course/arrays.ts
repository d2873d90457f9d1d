// What the course's adapters take and give: arrays with shapes, as NumPy has them.
import type { Backend } from "@bytelm/bytelm";
import { Graph, runGraph, type Tensor } from "@bytelm/bytelm/graph";

/** An array and its shape. Token ids, positions and masks are integers. */
export interface NdArray {
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint32Array;
}

/** Computes what `build` makes of arrays, once. */
export async function compute<Name extends string>(
  backend: Backend,
  arrays: Readonly<Record<Name, NdArray>>,
  build: (graph: Graph, tensors: Readonly<Record<Name, Tensor>>) => Tensor,
): Promise<NdArray> {
  const graph = new Graph();
  const inputs = Object.entries<NdArray>(arrays).map(([name, { shape, data }]) => {
    const tensor = graph.input(name, shape, { dtype: data instanceof Uint32Array ? "u32" : "f32" });
    return { name, tensor, data };
  });
  const tensors = Object.fromEntries(inputs.map(({ name, tensor }) => [name, tensor]));
  const y = build(graph, tensors as Record<Name, Tensor>);
  const data = await runGraph(backend, graph, y, inputs.map(({ tensor, data }) => [tensor, data] as const));
  return { shape: y.shape, data };
}
