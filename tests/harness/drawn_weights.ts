import type { ModelConfig } from "../../lib/model/config.ts";
import { initialWeights, type WeightSource } from "../../lib/model/weights.ts";
import { Random } from "./random.ts";

/** Initial weights, but with random numbers in tables that start as zeros, which would leave them without effect. */
export function drawnWeights(config: ModelConfig, seed: number): WeightSource {
  const initial = initialWeights(config, seed);
  return (name, shape) => {
    if (!name.includes("value_embeddings")) return initial(name, shape);
    return new Random(seed + name.length).normal(shape[0] * shape[1]);
  };
}
