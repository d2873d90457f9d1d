import { option, OptionError, say } from "../../errors.ts";
import { excerpt } from "../../io/excerpt.ts";
import type { ParameterSpec } from "../../model/parameters.ts";
import type { OptimizerDefinition } from "./definition.ts";
import { OPTIMIZER_NAMES, type OptimizerName, type OptimizerNumbers, OPTIMIZERS } from "./registry.ts";

/** Which optimizer, and its fixed numbers: those left out are its own defaults, and those of others count for nothing. */
export interface OptimizerOptions extends Partial<OptimizerNumbers> {
  /** One that the library has, or one's own; `"adamw"` by default. */
  readonly optimizer?: OptimizerName | OptimizerDefinition;
  /** What the weight decay applies to: all parameters (default), or all but norms and biases. */
  readonly decay?: "all" | "matrices";
}

/** Parameters that one of several optimizers trains. */
export interface ParameterGroup extends OptimizerOptions {
  /**
   * Their names, or what is true of them alone. By default those that the optimizer takes, as it says itself, and no other
   * group names.
   */
  readonly parameters?: readonly string[] | ((parameter: ParameterSpec) => boolean);
  /** This group's learning rate as a multiple of the step's; 1 by default. */
  readonly lrScale?: number;
}

/**
 * The definition of a group's optimizer.
 * @throws {OptionError} If there is none of that name.
 */
export function definitionOf({ optimizer = "adamw" }: OptimizerOptions): OptimizerDefinition {
  if (typeof optimizer === "object") return optimizer;
  if (!OPTIMIZER_NAMES.includes(optimizer)) {
    const names = OPTIMIZER_NAMES.join(", ");
    throw new OptionError(say`Cannot train: got ${option("optimizer")} ${excerpt(optimizer)}, must be one of ${names}`);
  }
  return OPTIMIZERS[optimizer];
}

/**
 * The parameters of each group, in the model's order.
 * @param specs Those that are trained.
 * @param all Those that the model has.
 * @throws {OptionError} Naming the first parameter that is in no group or in two, that is frozen, or that the model does
 * not have; or the group that has none.
 */
export function parametersOf(
  specs: readonly ParameterSpec[],
  groups: readonly ParameterGroup[],
  all: readonly ParameterSpec[] = specs,
): ParameterSpec[][] {
  const refuse = (got: string, must: string) => {
    throw new OptionError(`Cannot divide parameters among optimizers: got ${got}, must ${must}`);
  };
  const titleOf = (i: number) => `${i + 1} (${definitionOf(groups[i]).name})`;
  const takes = (group: ParameterGroup, spec: ParameterSpec) => definitionOf(group).takes?.(spec) ?? true;
  const known = new Set(specs.map(({ name }) => name));
  const named = groups.map(({ parameters }) => {
    if (parameters === undefined) return new Set<string>();
    if (typeof parameters === "function") {
      return new Set(specs.filter((spec) => parameters(spec)).map(({ name }) => name));
    }
    for (const name of parameters) {
      if (known.has(name)) continue;
      if (all.some((spec) => spec.name === name)) refuse(`${name}, which is frozen`, "be one that is trained");
      refuse(`${excerpt(name)}, which the model does not have`, "be a parameter's name");
    }
    return new Set(parameters);
  });
  const owners = specs.map((spec) => {
    const { name } = spec;
    const indices = [...groups.keys()];
    const naming = indices.filter((i) => named[i].has(name));
    const willing = () => indices.filter((i) => groups[i].parameters === undefined && takes(groups[i], spec));
    const owning = naming.length > 0 ? naming : willing();
    if (owning.length === 0) refuse(`${name} in no group`, "be in one");
    if (owning.length > 1) refuse(`${name} in groups ${owning.map(titleOf).join(" and ")}`, "be in one");
    return owning[0];
  });
  return groups.map((_, i) => {
    const own = specs.filter((_, j) => owners[j] === i);
    if (own.length === 0) refuse(`no parameter in group ${titleOf(i)}`, "be one or more");
    return own;
  });
}
