import { type Architecture, isGated } from "../model/architecture.ts";
import type { ConfigParts } from "./merge_config.ts";
import type { RecipeName } from "./recipes.ts";

/** Width, layers, heads and context of models from about a hundred thousand to two and a half billion parameters. */
const SHAPES: readonly (readonly [dModel: number, numLayers: number, numHeads: number, contextLength: number])[] = [
  [32, 2, 2, 128],
  [48, 3, 2, 128],
  [64, 3, 2, 128],
  [96, 4, 3, 128],
  [128, 4, 4, 128],
  [192, 6, 6, 256],
  [256, 6, 8, 256],
  [384, 8, 6, 256],
  [512, 8, 8, 512],
  [640, 10, 10, 512],
  [768, 12, 12, 512],
  [1024, 16, 16, 1024],
  [1280, 20, 20, 1024],
  [1536, 24, 24, 1024],
  [2048, 24, 32, 1024],
  [2560, 32, 40, 1024],
];

/** Widths up to which the default learning rate is meant; by the modern recipe, 256 was tried. */
const LR_WIDTHS: Readonly<Record<RecipeName, number>> = { course: 128, modern: 256 };

/** The shortest context of the modern recipe's models, and the batch of those that have it: 2,048 tokens a step. */
const MODERN_CONTEXT = { contextLength: 256, batchSize: 8 };

/**
 * The models to choose from, smallest first, each with a learning rate: in proportion to 1 / dModel beyond a width of
 * 128. Source: Yang et al. 2022, arXiv:2203.03466, table 3, for Adam.
 *
 * @param lr The learning rate of narrow models.
 * @param ffn Without a gate, the hidden layer is 1.5 times as wide, for the same number of parameters.
 * @param recipe With the modern one, which takes steps of fewer tokens well, contexts are not shorter than 256.
 */
export function modelLadder(lr: number, ffn?: Architecture["ffn"], recipe?: RecipeName): ConfigParts[] {
  return SHAPES.map(([dModel, numLayers, numHeads, length]) => {
    const isShort = recipe === "modern" && length <= MODERN_CONTEXT.contextLength;
    const contextLength = isShort ? MODERN_CONTEXT.contextLength : length;
    // 8/3 · dModel, up to a multiple of 8.
    const gated = 8 * Math.ceil(dModel / 3);
    return {
      model: { dModel, numLayers, numHeads, contextLength, dFf: isGated(ffn) ? gated : gated * 3 / 2 },
      training: { lr: rateOfWidth(lr, dModel, recipe), ...(isShort && { batchSize: MODERN_CONTEXT.batchSize }) },
    };
  });
}

/** The learning rate of a model of this width: in proportion to 1 / dModel beyond a width of 128; 256, if modern. */
export function rateOfWidth(lr: number, dModel: number, recipe: RecipeName = "course"): number {
  return lr * Math.min(1, LR_WIDTHS[recipe] / dModel);
}
