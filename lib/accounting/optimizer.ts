import { type ParameterSpec, parameterSpecs, sizeOf } from "../model/parameters.ts";
import type { OptimizerDefinition, UpdateItem } from "../train/optimizer/definition.ts";
import { definitionFor } from "../train/optimizer/groups.ts";
import { type OptimizerName, OPTIMIZERS } from "../train/optimizer/registry.ts";
import type { ModelShape } from "./shape.ts";

export type { UpdateItem };

/** AdamW's FLOPs per parameter. */
export const ADAMW_UPDATE: readonly UpdateItem[] = OPTIMIZERS.adamw.work;

/** Clipping's FLOPs per parameter, counted apart from the optimizer: g² and its sum, then g times the clipping factor. */
export const CLIPPING: readonly UpdateItem[] = [
  { name: "gradient norm", formula: "Σ g·g", flops: 2 },
  { name: "clipping", formula: "g·factor", flops: 1 },
];

/** Numbers that an optimizer keeps for a model: AdamW two for each parameter, Muon one for those that it takes itself. */
export function stateElements(shape: ModelShape, optimizer: OptimizerName = "adamw"): number {
  return sumOver(shape, optimizer, (spec, { state }) => Object.keys(state).length * sizeOf(spec));
}

/** FLOPs of one update of a model: of each parameter's numbers, and of matrix products where the optimizer has some. */
export function updateFlops(shape: ModelShape, optimizer: OptimizerName = "adamw"): number {
  return sumOver(
    shape,
    optimizer,
    (spec, { work, productFlops }) => optimizerFlops(sizeOf(spec), work) + (productFlops?.(spec) ?? 0),
  );
}

/** What one of a model's optimizers updates, and what that costs. */
export interface UpdatePart {
  /** What a person calls the optimizer. */
  readonly title: string;
  /** Numbers that it updates. */
  readonly parameters: number;
  /** What each of them costs. */
  readonly update: readonly UpdateItem[];
  /** FLOPs of its matrix products, over all of them. */
  readonly products: number;
}

/** An optimizer, and the one that trains what it does not take. */
export function updateParts(shape: ModelShape, optimizer: OptimizerName): UpdatePart[] {
  const { others } = OPTIMIZERS[optimizer];
  return [OPTIMIZERS[optimizer], ...others === undefined ? [] : [others]].map((one) => ({
    title: one.title,
    parameters: sumOver(shape, optimizer, (spec, definition) => definition === one ? sizeOf(spec) : 0),
    update: one.work,
    products: sumOver(shape, optimizer, (spec, definition) => definition === one ? one.productFlops?.(spec) ?? 0 : 0),
  }));
}

/** Adds up what each parameter costs with the optimizer that trains it. */
function sumOver(
  shape: ModelShape,
  optimizer: OptimizerName,
  cost: (spec: ParameterSpec, definition: OptimizerDefinition) => number,
): number {
  // The base of rotations decides no shape.
  const specs = parameterSpecs({ ropeTheta: 1, ...shape });
  return specs.reduce((sum, spec) => sum + cost(spec, definitionFor(OPTIMIZERS[optimizer], spec)!), 0);
}

/** FLOPs of one optimizer step over so many parameters. */
export function optimizerFlops(parameters: number, update: readonly UpdateItem[] = ADAMW_UPDATE): number {
  return parameters * update.reduce((sum, { flops }) => sum + flops, 0);
}
