import type { Graph } from "../../graph/graph.ts";
import type { Kernel } from "../../graph/kernel.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { ParameterSpec } from "../../model/parameters.ts";
import type { NumberOption } from "./number_option.ts";
import type { ScheduleEntry } from "./schedule_entry.ts";

/** One part of an optimizer's update, as accounting counts it. */
export interface UpdateItem {
  /** The part of the update, in words. */
  readonly name: string;
  /** What is computed for each parameter. */
  readonly formula: string;
  /** FLOPs per parameter. */
  readonly flops: number;
}

/** What one update reads and writes: arrays of one shape, and what it is told. */
export interface UpdateTensors {
  /** Read and written. */
  readonly parameters: Tensor;
  /** Of the loss, before clipping. */
  readonly gradients: Tensor;
  /** By the kinds that the definition declares; read and written. */
  readonly state: Readonly<Record<string, Tensor>>;
  /** (2): the gradient norm, and the factor by which gradients are to be multiplied; 0 stands for no update. */
  readonly clip: Tensor;
  /** The numbers that `OptimizerDefinition.schedule` declares, in its order. */
  readonly schedule: Tensor;
}

/**
 * All that is known of an optimizer. Training, checkpoints, flags and accounting read it here.
 * `Numbers` are its fixed numbers by name; without it, those of whichever optimizer.
 */
export interface OptimizerDefinition<Numbers extends object = never> {
  /** What a configuration calls it. */
  readonly name: string;
  /** What a person calls it. */
  readonly title: string;
  /** The kernels that it brings. */
  readonly kernels: readonly Kernel[];
  /** Its fixed numbers. */
  readonly options: Readonly<Record<keyof Numbers & string, NumberOption>>;
  /** What it keeps for each parameter, in the parameter's shape: the kind, as checkpoints name it, and what it is called. */
  readonly state: Readonly<Record<string, string>>;
  /** Whether it takes a parameter that no group names; where absent, it takes all. */
  takes?(parameter: ParameterSpec): boolean;
  /** What trains the parameters that it does not take, where it is a model's only optimizer; where absent, none may be left. */
  readonly others?: OptimizerDefinition;
  /** What an update is told before each step. */
  schedule(numbers: Numbers): readonly ScheduleEntry[];
  /**
   * Whether `update` is to see each parameter in its shape. Otherwise it gets several that lie side by side as one flat
   * array, which is fewer and longer calls. The gaps between them hold zeros in every array, and must keep them.
   */
  readonly perParameter?: boolean;
  /** Appends an update. */
  update(graph: Graph, tensors: UpdateTensors, numbers: Numbers): void;
  /** FLOPs of the update. */
  readonly work: readonly UpdateItem[];
  /** FLOPs of the update's matrix products over one parameter; none where absent. */
  productFlops?(parameter: ParameterSpec): number;
}
