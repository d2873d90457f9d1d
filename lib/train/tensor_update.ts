// The graph of a TensorOptimizer's step: clipping, and the update of every group.
import { OptionError } from "../errors.ts";
import { Graph } from "../graph/graph.ts";
import type { Tensor } from "../graph/tensor.ts";
import { excerpt } from "../io/excerpt.ts";
import { ParameterLayout } from "../model/parameters.ts";
import { clipGradNorm } from "./optimizer/clip_grad_norm.ts";
import { definitionOf, type OptimizerOptions, type ParameterGroup } from "./optimizer/groups.ts";
import { ABOVE_0, isNumber, LARGEST, SMALLEST } from "./optimizer/number_option.ts";
import { createOptimizers, type Optimizer } from "./optimizer/optimizers.ts";

/** The update of a layout's tensors, recorded but not loaded. */
export interface TensorUpdate {
  readonly graph: Graph;
  readonly tensors: ParameterLayout;
  readonly gradients: ParameterLayout;
  readonly optimizers: readonly Optimizer[];
  /** What the optimizers are called, in the groups' order. */
  readonly title: string;
  /** Inputs, for each optimizer. */
  readonly schedules: readonly Tensor[];
  /** (2): the norm, and the factor that clips it; 0 where nothing is changed. */
  readonly clip: Tensor;
}

/**
 * Records it.
 * @param maxGradNorm 0 for no clipping.
 * @throws {OptionError} If there is no such optimizer, a number cannot work, or a tensor is in no group or in two.
 */
export function traceUpdate(
  tensors: ParameterLayout,
  optimizer: OptimizerOptions | readonly ParameterGroup[],
  maxGradNorm: number,
): TensorUpdate {
  if (maxGradNorm !== 0 && !isNumber(maxGradNorm, SMALLEST, LARGEST)) {
    const got = excerpt(maxGradNorm);
    throw new OptionError(`Cannot optimize tensors: got maxGradNorm ${got}, must be 0 for no clipping, or ${ABOVE_0}`);
  }
  const gradients = new ParameterLayout("gradients", tensors.specs, false);
  const optimizers = createOptimizers(tensors, tensors.specs, optimizer);
  const graph = new Graph();
  const schedules = optimizers.map(({ entries }) => graph.input("schedule", [entries.length]));
  const clip = clipGradNorm(graph, gradients.flat, maxGradNorm === 0 ? Infinity : maxGradNorm);
  optimizers.forEach((one, i) => one.update(graph, { gradients, clip, schedule: schedules[i] }));
  // The cast is needed because Array.isArray does not see that a readonly array is one.
  const groups = (Array.isArray(optimizer) ? optimizer : [optimizer]) as readonly ParameterGroup[];
  const title = groups.map((group) => definitionOf(group).name).join(", ");
  return { graph, tensors, gradients, optimizers, title, schedules, clip };
}
