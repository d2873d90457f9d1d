import { OptionError } from "../../errors.ts";
import { excerpt } from "../../io/excerpt.ts";
import type { ParameterLayout, ParameterSpec } from "../../model/parameters.ts";

/**
 * Parameters that a training leaves as they are: their names, or the beginnings of names up to a dot (`layers.0` stands for
 * all of that layer's); or what is true of them alone.
 */
export type Frozen = readonly string[] | ((parameter: ParameterSpec) => boolean);

/**
 * The parameters that are trained, in the model's order.
 * @throws {OptionError} Naming what the model does not have; or if nothing is left to train.
 */
export function trainedOf(specs: readonly ParameterSpec[], frozen: Frozen = []): readonly ParameterSpec[] {
  const isFrozen = typeof frozen === "function" ? frozen : isNamedBy(specs, frozen);
  const trained = specs.filter((spec) => !isFrozen(spec));
  if (trained.length === 0) {
    throw new OptionError(
      `Cannot freeze parameters: got all ${specs.length} of the model, must leave one or more to be trained`,
    );
  }
  return trained;
}

/** Whether a name stands for a parameter: its own, or the beginning of it up to a dot. */
const standsFor = (name: string, parameter: string) => parameter === name || parameter.startsWith(`${name}.`);

/** Every name that stands for a parameter, the longest first. */
function namesFor(parameter: string): string[] {
  const parts = parameter.split(".");
  return parts.map((_, i) => parts.slice(0, parts.length - i).join("."));
}

/** Characters of a name that is compared with those there are. */
const MAX_COMPARED = 200;

function isNamedBy(specs: readonly ParameterSpec[], names: readonly string[]): (spec: ParameterSpec) => boolean {
  for (const name of names) {
    if (specs.some((spec) => standsFor(name, spec.name))) continue;
    // A file may be somebody else's, and a name in it of any length.
    const distanceTo = (other: string) => editDistance(name.slice(0, MAX_COMPARED), other);
    const known = [...new Set(specs.flatMap((spec) => namesFor(spec.name)))];
    const nearest = known.reduce((best, other) => distanceTo(other) < distanceTo(best) ? other : best);
    throw new OptionError(
      `Cannot freeze parameters: got ${
        excerpt(name)
      }, which the model does not have, must be a parameter's name, or the ` +
        `beginning of some up to a dot. The nearest is ${nearest}`,
    );
  }
  return (spec) => names.some((name) => standsFor(name, spec.name));
}

/** How many characters differ: inserted, left out or replaced. Source: Levenshtein 1966. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + Number(a[i - 1] !== b[j - 1]);
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}

/**
 * Traces a forward and a backward pass while only `trained` parameters want a gradient. All want what they did before when
 * it returns or throws: other graphs of the model are not changed.
 */
export function whileTraining<T>(parameters: ParameterLayout, trained: readonly ParameterSpec[], trace: () => T): T {
  const names = new Set(trained.map(({ name }) => name));
  const wanting = [...parameters.parts].filter(([name, part]) => part.requiresGrad && !names.has(name));
  for (const [, part] of wanting) part.requiresGrad = false;
  try {
    return trace();
  } finally {
    for (const [, part] of wanting) part.requiresGrad = true;
  }
}
