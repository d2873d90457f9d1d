/**
 * Graphs: recording operations, differentiating them, planning their memory, and running them on a backend.
 *
 * @example A matrix product and the gradient of its weights
 * ```ts
 * import { createBackend } from "@bytelm/bytelm/backend";
 * import { backward, compile, Graph } from "@bytelm/bytelm/graph";
 * import { linear } from "@bytelm/bytelm/ops";
 *
 * const graph = new Graph();
 * const x = graph.input("x", [2, 3]);
 * const weight = graph.input("weight", [4, 3], { requiresGrad: true });
 * const y = linear(graph, x, weight); // (2, 4)
 * const dY = graph.input("dY", [2, 4]);
 * const dWeight = backward(graph, y, dY).of(weight)!;
 *
 * await using backend = await createBackend("wasm", { workers: 1 });
 * using compiled = await compile(backend, graph, { keep: [y, dWeight] });
 * await compiled.set(x, [1, 2, 3, 4, 5, 6]).set(dY, [1, 1, 1, 1, 1, 1, 1, 1]).run();
 * console.log(await compiled.read(dWeight)); // four rows of 5, 7, 9
 * ```
 *
 * @module
 */
export { backward, type BackwardOptions, Gradients, type GradientTarget } from "./backward.ts";
export { compile, CompiledGraph } from "./compiled_graph.ts";
export {
  type Arguments,
  type BackwardRule,
  type Call,
  Graph,
  type GraphOptions,
  type Precision,
  type TapeEntry,
} from "./graph.ts";
export {
  type ConstantType,
  defineKernel,
  type Kernel,
  type KernelFlops,
  type KernelTry,
  type KernelWrite,
} from "./kernel.ts";
export { plan, type PlanOptions } from "./plan.ts";
export { runGraph } from "./run_graph.ts";
export { Program, type ProgramCall, viewOf, wholeOf } from "./program.ts";
export {
  DeviceStorage,
  type DType,
  type IndexRange,
  type Placement,
  Tensor,
  type TensorOptions,
  type View,
} from "./tensor.ts";
