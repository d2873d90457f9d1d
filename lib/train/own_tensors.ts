// Tensors that a person names, with their first values: what a TensorOptimizer is given.
import { OptionError } from "../errors.ts";
import { Tensor } from "../graph/tensor.ts";
import { excerpt } from "../io/excerpt.ts";
import { ParameterLayout } from "../model/parameters.ts";

/** A tensor of a person's own. */
export interface OwnTensor {
  /** One or more positive integers. */
  readonly shape: readonly number[];
  /** Its elements, row by row; zeros by default. */
  readonly values?: ArrayLike<number>;
}

/** What a name may not begin with: a file has the optimizer's state under such names. */
export const STATE_PREFIX = "optimizer.";

/**
 * Names the tensors, side by side in one storage; each wants a gradient.
 * @throws {OptionError} If there are none, or a name cannot be one.
 * @throws {RangeError} If a shape cannot be one.
 */
export function layoutOf(tensors: Readonly<Record<string, OwnTensor>>): ParameterLayout {
  const specs = Object.entries(tensors).map(([name, { shape }]) => ({ name, shape }));
  // Says what is wrong with a shape, by the tensor's name.
  for (const { name, shape } of specs) new Tensor(name, shape);
  requireNames(specs.map(({ name }) => name));
  return new ParameterLayout("tensors", specs, true);
}

/** @throws {OptionError} If there are no names, or one of them cannot stand in a file beside the optimizer's state. */
export function requireNames(names: readonly string[]): void {
  if (names.length === 0) throw new OptionError("Cannot optimize tensors: got none, must be one or more, by name");
  const bad = names.find((name) => name === "" || name.startsWith(STATE_PREFIX));
  if (bad === undefined) return;
  throw new OptionError(
    `Cannot optimize tensors: got the name ${excerpt(bad)}, must not be empty nor begin with "${STATE_PREFIX}"`,
  );
}

/**
 * A tensor's elements as float32.
 * @param what What is to be done with them, in words.
 * @throws {OptionError} If there are more or fewer than the tensor has.
 */
export function elementsOf(what: string, tensor: Tensor, values: ArrayLike<number>): Float32Array<ArrayBuffer> {
  if (values?.length === tensor.size) return Float32Array.from(values);
  throw new OptionError(
    `Cannot ${what} ${tensor}: got ${values?.length ?? excerpt(values)} values, must be ${tensor.size}`,
  );
}

/**
 * The same, all finite.
 * @throws {OptionError} Naming the first that is not.
 */
export function finiteElementsOf(what: string, tensor: Tensor, values: ArrayLike<number>): Float32Array<ArrayBuffer> {
  const elements = elementsOf(what, tensor, values);
  const bad = elements.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return elements;
  throw new OptionError(`Cannot ${what} ${tensor}: got ${values[bad]} at ${bad}, must be finite as a float32`);
}

/**
 * The first values of those that were given any.
 * @throws {OptionError} As `finiteElementsOf` does.
 */
export function firstValues(
  { parts }: ParameterLayout,
  tensors: Readonly<Record<string, OwnTensor>>,
): (readonly [Tensor, Float32Array<ArrayBuffer>])[] {
  return [...parts].flatMap(([name, part]) => {
    const { values } = tensors[name];
    return values === undefined ? [] : [[part, finiteElementsOf("write", part, values)] as const];
  });
}
