/** Graphs: recording operations, differentiating them, planning their memory, and running them on a backend. */
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
export { type ConstantType, defineKernel, type Kernel } from "./kernel.ts";
export { plan, type PlanOptions } from "./plan.ts";
export { Program, type ProgramCall, viewOf, wholeOf } from "./program.ts";
export {
  type DType,
  type IndexRange,
  type Placement,
  Storage,
  Tensor,
  type TensorOptions,
  type View,
} from "./tensor.ts";
