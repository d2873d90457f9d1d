// Every optimizer by name: a new one is an entry in each of these lists.
import { adamwOptimizer, type AdamWOptions } from "./adamw.ts";
import type { OptimizerDefinition } from "./definition.ts";
import { muonOptimizer, type MuonOptions } from "./muon.ts";
import type { NumberOption } from "./number_option.ts";
import { sgdOptimizer, type SgdOptions } from "./sgd.ts";

/** What a configuration calls an optimizer. */
export type OptimizerName = "adamw" | "muon" | "sgd";

/** The fixed numbers of all optimizers; each reads its own. */
export interface OptimizerNumbers extends AdamWOptions, MuonOptions, SgdOptions {}

/** All that is known of each optimizer. */
export const OPTIMIZERS: Readonly<Record<OptimizerName, OptimizerDefinition>> = {
  adamw: adamwOptimizer,
  muon: muonOptimizer,
  sgd: sgdOptimizer,
};

/** Every optimizer's name. */
export const OPTIMIZER_NAMES: readonly OptimizerName[] = Object.keys(OPTIMIZERS) as OptimizerName[];

/** The options of all optimizers, in the order of a config.json. One that several have is the same for all. */
export const NUMBER_OPTIONS: Readonly<Record<keyof OptimizerNumbers, NumberOption>> = {
  ...adamwOptimizer.options,
  ...sgdOptimizer.options,
  ...muonOptimizer.options,
};

/** What the numbers are unless given. */
export const NUMBER_DEFAULTS: OptimizerNumbers = Object.fromEntries(
  Object.entries(NUMBER_OPTIONS).map(([name, option]) => [name, option.default]),
  // The cast holds: every name has an option.
) as unknown as OptimizerNumbers;
