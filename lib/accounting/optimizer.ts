/** One part of an optimizer's update. */
export interface UpdateItem {
  /** The part of the update, in words. */
  readonly name: string;
  /** What is computed for each parameter. */
  readonly formula: string;
  /** FLOPs per parameter. */
  readonly flops: number;
}

/**
 * AdamW's FLOPs per parameter, both bias corrections applied to the moments.
 *
 * Convention: each add, subtract, multiply, divide and square root of a parameter's own numbers is one FLOP. What is the
 * same for all parameters (1 − β₁, the bias corrections c₁ = 1 − β₁ᵗ and c₂ = 1 − β₂ᵗ, 1 − lr·λ) is computed once a
 * step and not counted. Folding both corrections into the step size, as in Kingma & Ba 2014 (arXiv:1412.6980, section 2),
 * would save 2 of the 15, folding the first alone, as torch.optim.AdamW does, 1.
 *
 * Source: Loshchilov & Hutter 2017, arXiv:1711.05101, algorithm 2.
 */
export const ADAMW_UPDATE: readonly UpdateItem[] = [
  { name: "first moment", formula: "m = β₁·m + (1−β₁)·g", flops: 3 },
  { name: "second moment", formula: "v = β₂·v + (1−β₂)·g·g", flops: 4 },
  { name: "bias correction", formula: "m/c₁, v/c₂", flops: 2 },
  { name: "update", formula: "θ − lr·m̂/(√v̂ + ε)", flops: 5 },
  { name: "decay", formula: "θ·(1 − lr·λ)", flops: 1 },
];

/** Clipping's FLOPs per parameter, counted apart from AdamW: g² and its sum, then g times the clipping factor. */
export const CLIPPING: readonly UpdateItem[] = [
  { name: "gradient norm", formula: "Σ g·g", flops: 2 },
  { name: "clipping", formula: "g·factor", flops: 1 },
];

/** SGD's FLOPs per parameter: θ − lr·g. */
export const SGD_UPDATE: readonly UpdateItem[] = [{ name: "update", formula: "θ − lr·g", flops: 2 }];

/** FLOPs of one optimizer step over so many parameters. */
export function optimizerFlops(parameters: number, update: readonly UpdateItem[] = ADAMW_UPDATE): number {
  return parameters * update.reduce((sum, { flops }) => sum + flops, 0);
}
