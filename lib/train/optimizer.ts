import type { Graph } from "../graph/graph.ts";
import { BYTES_PER_ELEMENT, Tensor } from "../graph/tensor.ts";
import { ParameterLayout, type ParameterSpec } from "../model/parameters.ts";
import { adamw, type AdamWOptions, adamwSchedule } from "./adamw.ts";
import { sgd } from "./sgd.ts";

/** Which optimizer, and its fixed numbers; gradient descent uses the decay alone. */
export interface OptimizerOptions extends AdamWOptions {
  /** Default: `"adamw"`. */
  readonly optimizer?: "adamw" | "sgd";
  /** What the weight decay applies to: all parameters (default), or all but the norms' weights. */
  readonly decay?: "all" | "matrices";
}

/** An optimizer's state and how it is made a part of a program. */
export interface Optimizer {
  /** Arrays that go on from step to step, laid out as the parameters are. */
  readonly state: ReadonlyMap<string, ParameterLayout>;
  /** Numbers that the host writes before each step. */
  readonly scheduleSize: number;
  /**
   * What the host writes before update `t`, counted from 1.
   * @param lr The learning rate of this step.
   */
  schedule(lr: number, t: number): readonly number[];
  /** Appends an update. `clip` (2) holds the gradient norm and the factor that clips it. */
  update(graph: Graph, tensors: { gradients: ParameterLayout; clip: Tensor; schedule: Tensor }): void;
}

/** Makes the optimizer of a model's parameters. */
export function createOptimizer(
  parameters: ParameterLayout,
  specs: readonly ParameterSpec[],
  options: OptimizerOptions,
): Optimizer {
  const groups = decayGroups(parameters, specs, options);
  if (options.optimizer === "sgd") {
    return {
      state: new Map(),
      scheduleSize: 1,
      schedule: (lr) => [lr],
      update(graph, { gradients, clip, schedule }) {
        for (const { slice, weightDecay } of groups) {
          const tensors = { parameters: slice(parameters), gradients: slice(gradients), clip, schedule };
          sgd(graph, tensors, { weightDecay });
        }
      },
    };
  }
  const m = new ParameterLayout("first moments", specs, false);
  const v = new ParameterLayout("second moments", specs, false);
  return {
    state: new Map([["first_moment", m], ["second_moment", v]]),
    scheduleSize: 3,
    schedule: (lr, t) => adamwSchedule(lr, t, options),
    update(graph, { gradients, clip, schedule }) {
      for (const { slice, weightDecay } of groups) {
        const tensors = { parameters: slice(parameters), gradients: slice(gradients), m: slice(m), v: slice(v) };
        adamw(graph, { ...tensors, clip, schedule }, { ...options, weightDecay });
      }
    },
  };
}

/** Parameters side by side in memory that decay alike. */
interface DecayGroup {
  readonly weightDecay: number;
  /** The group's stretch of any layout of the same parameters, as one flat array. */
  slice(layout: ParameterLayout): Tensor;
}

function decayGroups(
  { flat, parts }: ParameterLayout,
  specs: readonly ParameterSpec[],
  { weightDecay, decay }: OptimizerOptions,
): DecayGroup[] {
  if (decay !== "matrices" || weightDecay === 0) return [{ weightDecay, slice: (layout) => layout.flat }];
  const starts: { byteOffset: number; decays: boolean }[] = [];
  for (const { name, shape } of specs) {
    const decays = shape.length > 1;
    if (starts.at(-1)?.decays !== decays) starts.push({ byteOffset: parts.get(name)!.placement!.byteOffset, decays });
  }
  return starts.map(({ byteOffset, decays }, i) => {
    const end = starts[i + 1]?.byteOffset ?? flat.size * BYTES_PER_ELEMENT;
    return {
      weightDecay: decays ? weightDecay : 0,
      slice: (layout) =>
        new Tensor(layout.flat.name, [(end - byteOffset) / BYTES_PER_ELEMENT], {
          placement: { storage: layout.flat.placement!.storage, byteOffset },
        }),
    };
  });
}
