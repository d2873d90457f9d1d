import { valueEmbeddingLayers, withDefaults } from "../model/architecture.ts";
import { attentionWidths, feedForwardMatrices, type ModelShape } from "./shape.ts";

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
 * Every trainable parameter, by group. Rotary positions have no parameters.
 *
 * | group           | formula                                                                                  |
 * | --------------- | ---------------------------------------------------------------------------------------- |
 * | embeddings      | v·d                                                                                      |
 * | positions       | s·d if they are learned                                                                  |
 * | norms           | n·2d (twice that with LayerNorm's biases, 0 without norms)                               |
 * | attention       | n·4d² (queries, keys, values, output); n·2d·(q + k) if heads differ in number or size    |
 * | query, key norm | n·(q + k), or n·2·headDim for norms of single heads                                      |
 * | feed-forward    | n·3·d·dFf with a gate, n·2·d·dFf without                                                 |
 * | biases          | n·(q + 2k), with d more for attention's output, and d + dFf (2·dFf with a gate) for both |
 * | final norm      | d (2d with LayerNorm's bias, 0 without norms)                                            |
 * | head            | v·d (0 when tied to the embeddings)                                                      |
 * | value embed.    | v·k for each layer that has them                                                         |
 *
 * Groups that only some models have are left out of the others.
 */
export function parameterItems(shape: ModelShape): ParameterItem[] {
  const { vocabSize: v, contextLength: s, dModel: d, numLayers: n, dFf } = shape;
  const { norm, position, qkNorm, headDim, tieEmbeddings } = withDefaults(shape);
  const { q, k } = attentionWidths(shape);
  const matrices = feedForwardMatrices(shape);
  const perNorm = { none: 0, rms: 1, layer: 2 }[norm];
  const isPlain = q === d && k === d;
  const tables = valueEmbeddingLayers(shape).length;
  const bias = biasesOf(shape);
  const qkNorms = qkNorm === "head"
    ? { name: "query, key norm", formula: "n·2·headDim", count: n * 2 * headDim }
    : { name: "query, key norm", formula: "n·(q + k)", count: n * (q + k) };
  return [
    { name: "embeddings", formula: "v·d", count: v * d },
    ...(position === "learned" ? [{ name: "positions", formula: "s·d", count: s * d }] : []),
    { name: "norms", formula: perNorm ? `n·${2 * perNorm}d` : "none", count: n * 2 * perNorm * d },
    { name: "attention", formula: isPlain ? "n·4d²" : "n·2d·(q + k)", count: n * 2 * d * (q + k) },
    ...(qkNorm === "none" ? [] : [qkNorms]),
    { name: "feed-forward", formula: `n·${matrices}·d·dFf`, count: n * matrices * d * dFf },
    ...(bias.count === 0 ? [] : [{ name: "biases", formula: `n·(${bias.formula})`, count: n * bias.count }]),
    { name: "final norm", formula: ["none", "d", "2d"][perNorm], count: perNorm * d },
    { name: "head", formula: tieEmbeddings ? "tied" : "v·d", count: tieEmbeddings ? 0 : v * d },
    ...(tables === 0 ? [] : [{ name: "value embeddings", formula: `${tables}·v·k`, count: tables * v * k }]),
  ];
}

/** The biases of one layer's linear maps. */
function biasesOf(shape: ModelShape): { readonly formula: string; readonly count: number } {
  const { dModel: d, dFf, bias = "none" } = shape;
  const { q, k } = attentionWidths(shape);
  const hidden = feedForwardMatrices(shape) - 1;
  switch (bias) {
    case "none":
      return { formula: "0", count: 0 };
    case "qkv":
      return { formula: "q + 2k", count: q + 2 * k };
    case "attention":
      return { formula: "q + 2k + d", count: q + 2 * k + d };
    case "all": {
      const formula = `q + 2k + 2d + ${hidden === 1 ? "" : `${hidden}·`}dFf`;
      return { formula, count: q + 2 * k + 2 * d + hidden * dFf };
    }
  }
}

/** The number of trainable parameters: 2vd + n(2d + 4d² + 3·d·dFf) + d for the default shape. */
export function countParameters(shape: ModelShape): number {
  return parameterItems(shape).reduce((sum, { count }) => sum + count, 0);
}
