// Weights whose values do not matter, but that they are like those of a new model.
import type { WeightSource } from "../../lib/model/weights.ts";
import { Philox } from "../../lib/random/philox.ts";

/** Numbers that are drawn: the millions of a large model would take longer than its steps. A prime, so that no rows agree. */
const DRAWN = 65_537;

/** Random weights of a new model's size, the same numbers over and over. */
export function benchWeights(seed: number): WeightSource {
  const random = new Philox(seed, 0);
  const drawn = Float32Array.from({ length: DRAWN }, (_, i) => random.truncatedNormal(i, 3));
  return (_, shape) => {
    if (shape.length === 1) return new Float32Array(shape[0]).fill(1);
    const std = Math.sqrt(2 / (shape[0] + shape[1]));
    const weights = new Float32Array(shape[0] * shape[1]);
    const scaled = drawn.subarray(0, weights.length).map((value) => std * value);
    for (let first = 0; first < weights.length; first += DRAWN) {
      weights.set(scaled.subarray(0, weights.length - first), first);
    }
    return weights;
  };
}
