import { feedForwardMatrices, type ModelShape } from "./shape.ts";

/** One group of parameters. */
export interface ParameterItem {
  /** The matrices or vectors, in words. */
  readonly name: string;
  /** The count as a formula, in the symbols of shape.ts. */
  readonly formula: string;
  /** Elements in all layers together. */
  readonly count: number;
}

/**
 * Every trainable parameter, by group. No layer has a bias, and rotary positions have no parameters.
 *
 * | group           | formula                                           |
 * | --------------- | ------------------------------------------------- |
 * | embeddings      | v·d                                               |
 * | norms           | n·2d (0 without norms)                            |
 * | attention       | n·4d² (queries, keys, values, output)             |
 * | feed-forward    | n·3·d·dFf with SwiGLU, n·2·d·dFf without its gate |
 * | final norm      | d (0 without norms)                               |
 * | head            | v·d (0 when tied to the embeddings)               |
 */
export function parameterItems(shape: ModelShape): ParameterItem[] {
  const { vocabSize: v, dModel: d, numLayers: n, dFf, norm = "rms", tieEmbeddings = false } = shape;
  const matrices = feedForwardMatrices(shape);
  const hasNorms = norm === "rms";
  return [
    { name: "embeddings", formula: "v·d", count: v * d },
    { name: "norms", formula: hasNorms ? "n·2d" : "none", count: hasNorms ? n * 2 * d : 0 },
    { name: "attention", formula: "n·4d²", count: n * 4 * d * d },
    { name: "feed-forward", formula: `n·${matrices}·d·dFf`, count: n * matrices * d * dFf },
    { name: "final norm", formula: hasNorms ? "d" : "none", count: hasNorms ? d : 0 },
    { name: "head", formula: tieEmbeddings ? "tied" : "v·d", count: tieEmbeddings ? 0 : v * d },
  ];
}

/** The number of trainable parameters: 2vd + n(2d + 4d² + 3·d·dFf) + d for the default shape. */
export function countParameters(shape: ModelShape): number {
  return parameterItems(shape).reduce((sum, { count }) => sum + count, 0);
}
