import type { UpdateItem } from "../train/optimizer/definition.ts";
import { type OptimizerName, OPTIMIZERS } from "../train/optimizer/registry.ts";

export type { UpdateItem };

/** AdamW's FLOPs per parameter. */
export const ADAMW_UPDATE: readonly UpdateItem[] = OPTIMIZERS.adamw.work;

/** Clipping's FLOPs per parameter, counted apart from the optimizer: g² and its sum, then g times the clipping factor. */
export const CLIPPING: readonly UpdateItem[] = [
  { name: "gradient norm", formula: "Σ g·g", flops: 2 },
  { name: "clipping", formula: "g·factor", flops: 1 },
];

/** Numbers that an optimizer keeps for each parameter. */
export function stateArrays(optimizer: OptimizerName = "adamw"): number {
  return Object.keys(OPTIMIZERS[optimizer].state).length;
}

/** FLOPs of one optimizer step over so many parameters. */
export function optimizerFlops(parameters: number, update: readonly UpdateItem[] = ADAMW_UPDATE): number {
  return parameters * update.reduce((sum, { flops }) => sum + flops, 0);
}
