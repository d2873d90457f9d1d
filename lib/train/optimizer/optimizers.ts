import { option, OptionError, say } from "../../errors.ts";
import type { Graph } from "../../graph/graph.ts";
import { align } from "../../graph/plan.ts";
import { BYTES_PER_ELEMENT, Tensor } from "../../graph/tensor.ts";
import { excerpt } from "../../io/excerpt.ts";
import { ParameterLayout, type ParameterSpec, sizeOf } from "../../model/parameters.ts";
import type { OptimizerDefinition } from "./definition.ts";
import { definitionOf, groupsOf, type OptimizerOptions, type ParameterGroup, parametersOf } from "./groups.ts";
import type { ScheduleEntry } from "./schedule_entry.ts";

/** The optimizer of a group of parameters: its state, and how it is made a part of a program. */
export interface Optimizer {
  /** Arrays that go on from step to step, laid out as the group's parameters are; by kind. */
  readonly state: ReadonlyMap<string, ParameterLayout>;
  /** What an update is told. */
  readonly entries: readonly ScheduleEntry[];
  /**
   * What the host writes before update `t`, counted from 1.
   * @param lr The learning rate of this step.
   */
  schedule(lr: number, t: number): readonly number[];
  /** Appends an update. `clip` (2) holds the gradient norm and the factor that clips it; `gradients` are the model's. */
  update(graph: Graph, tensors: { gradients: ParameterLayout; clip: Tensor; schedule: Tensor }): void;
}

/**
 * Makes the optimizers of a model's parameters: one for all, or one for each group.
 * @param specs The parameters that are trained, in the model's order. The gradients' layout is made of them too.
 * @throws {OptionError} If a number cannot work, there is no such optimizer, or a parameter is in no group or in two; or
 *   if the weights are not kept in f32.
 */
export function createOptimizers(
  parameters: ParameterLayout,
  specs: readonly ParameterSpec[],
  options: OptimizerOptions | readonly ParameterGroup[],
): Optimizer[] {
  const { weightsDtype } = parameters;
  if (weightsDtype !== "f32") {
    throw new OptionError(
      say`Cannot train: got weights in ${weightsDtype}, must be in f32. Load them with ${
        option("weightsDtype", "f32")
      }`,
    );
  }
  const groups = groupsOf(options, specs);
  const all = parameters.specs;
  const own = parametersOf(specs, groups, all);
  return groups.map((group, i) => createOptimizer(parameters, all, own[i], group));
}

function createOptimizer(
  parameters: ParameterLayout,
  all: readonly ParameterSpec[],
  own: readonly ParameterSpec[],
  group: ParameterGroup,
): Optimizer {
  const definition = definitionOf(group);
  const numbers = numbersOf(definition, group);
  const { lrScale = 1 } = group;
  if (!(lrScale > 0 && Number.isFinite(Math.fround(lrScale)))) {
    throw new OptionError(`Cannot train: got lrScale ${excerpt(lrScale)}, must be a finite float32 above 0`);
  }
  const kinds = Object.entries(definition.state);
  const state = new Map(kinds.map(([kind, label]) => [kind, new ParameterLayout(label, own, false)]));
  const entries = definition.schedule(numbers);
  return {
    state,
    entries,
    schedule(lr, t) {
      const own = lr * lrScale;
      if (!Number.isFinite(Math.fround(own))) {
        throw new OptionError(`Cannot take a step: got learning rate ${lr} times ${lrScale}, must be a finite float32`);
      }
      return entries.map((entry) => entry.value(own, t));
    },
    update(graph, { gradients, clip, schedule }) {
      for (const { slice, decays } of stretches(all, own, definition, group)) {
        const tensors = {
          parameters: slice(parameters),
          gradients: slice(gradients),
          state: Object.fromEntries([...state].map(([kind, layout]) => [kind, slice(layout)])),
        };
        const own = decays ? numbers : numbersOf(definition, { ...group, weightDecay: 0 });
        definition.update(graph, { ...tensors, clip, schedule }, own);
      }
    },
  };
}

/** An optimizer's own numbers, checked: of the type that this definition alone knows. */
function numbersOf(definition: OptimizerDefinition, group: ParameterGroup): never {
  const given = group as Readonly<Record<string, unknown>>;
  const numbers = Object.entries(definition.options).map(([name, number]) => {
    const value = given[name] ?? number.default;
    if (!number.isValid(value)) {
      throw new OptionError(say`Cannot train: got ${option(name)} ${excerpt(value)}, must be ${number.mustBe}`);
    }
    return [name, value];
  });
  // The cast holds: these are the numbers that the definition declares.
  return Object.fromEntries(numbers) as never;
}

/** Parameters that one update covers. */
interface Stretch {
  /** Whether the weight decay applies to them. */
  readonly decays: boolean;
  /** Them in any layout that has them: one parameter in its shape, or several side by side as one flat array. */
  slice(layout: ParameterLayout): Tensor;
}

/** What the updates of a group cover: each a parameter, or as many as lie side by side and decay alike. */
function stretches(
  all: readonly ParameterSpec[],
  own: readonly ParameterSpec[],
  { perParameter, options }: OptimizerDefinition,
  { decay, weightDecay = options.weightDecay?.default }: ParameterGroup,
): Stretch[] {
  const decaysAlike = decay !== "matrices" || !weightDecay;
  const decays = ({ shape }: ParameterSpec) => decaysAlike || shape.length > 1;
  if (perParameter) {
    return own.map((spec) => ({ decays: decays(spec), slice: (layout) => layout.part(spec.name) }));
  }
  const runs: { readonly first: ParameterSpec; readonly decays: boolean; bytes: number }[] = [];
  const isOwn = new Set(own.map(({ name }) => name));
  all.forEach((spec, i) => {
    if (!isOwn.has(spec.name)) return;
    const goesOn = i > 0 && isOwn.has(all[i - 1].name) && runs.at(-1)!.decays === decays(spec);
    if (!goesOn) runs.push({ first: spec, decays: decays(spec), bytes: 0 });
    runs.at(-1)!.bytes += align(sizeOf(spec) * BYTES_PER_ELEMENT);
  });
  return runs.map(({ first, decays, bytes }) => ({
    decays,
    slice: (layout) => {
      const { storage, byteOffset } = layout.part(first.name).placement!;
      return new Tensor(storage.name, [bytes / BYTES_PER_ELEMENT], { placement: { storage, byteOffset } });
    },
  }));
}
