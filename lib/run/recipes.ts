// Settings that go together: what a run has where nothing else is given.
import type { ModelConfig } from "../model/config.ts";
import type { TrainingConfig } from "../train/config.ts";

/** Settings of the model and the training that were found together. */
export interface Recipe {
  /** Switches of the model; sizes are a preset's. */
  readonly model: Partial<ModelConfig>;
  /** Settings of the training that differ from `TRAINING_DEFAULTS`. */
  readonly training: Partial<TrainingConfig>;
  /** The final learning rate, from the peak. */
  readonly minLr: (lr: number) => number;
  /** Steps of the warm-up, as a share of all. */
  readonly warmupShare: number;
  /** Steps of the decay at the end of a `wsd` schedule, as a share of all. */
  readonly decayShare: number;
}

/** The names of the recipes, the default first. */
export type RecipeName = "course" | "modern";

/**
 * The recipes.
 *
 * - `course`: the model and the training of Stanford CS336's first assignment.
 * - `modern`: what learned most in the same time here (data/benchmarks/README.md). Sources: Muon, Jordan et al. 2024; norms
 *   of queries and keys, Henry et al. 2020, arXiv:2010.04245; a constant rate with a decay to zero, Hägele et al. 2024,
 *   arXiv:2405.18392, and Bergsma et al. 2025, arXiv:2502.15938.
 */
export const RECIPES: Readonly<Record<RecipeName, Recipe>> = {
  course: { model: {}, training: {}, minLr: (lr) => lr / 10, warmupShare: 0.05, decayShare: 0.2 },
  modern: {
    model: { qkNorm: "head", tieEmbeddings: true, scaleEmbeddings: true },
    training: { optimizer: "muon", schedule: "wsd" },
    minLr: () => 0,
    warmupShare: 0.02,
    decayShare: 0.45,
  },
};

/** The names of the recipes, the default first. */
export const RECIPE_NAMES = Object.keys(RECIPES) as readonly RecipeName[];
