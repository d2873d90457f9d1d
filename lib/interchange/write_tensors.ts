// The tensors of another library's file, made from a model's parameters one at a time.
import type { WeightSource } from "../model/weights.ts";
import { type PlacedParameter, putParameter } from "./parameter_map.ts";

/** A tensor to write. */
export interface TensorToMake {
  readonly name: string;
  readonly shape: readonly number[];
  /** Reads the parameters that it holds, and puts them together. */
  readonly make: () => Promise<Float32Array<ArrayBuffer>>;
}

/** The tensors that hold a model's parameters, in the order in which the parameters lie in memory. */
export function tensorsToMake(placed: readonly PlacedParameter[], weights: WeightSource): TensorToMake[] {
  return [...Map.groupBy(placed, ({ tensor }) => tensor)].map(([name, parts]) => {
    const { tensorShape: shape } = parts[0];
    const make = async () => {
      const tensor = new Float32Array(shape.reduce((product, n) => product * n, 1));
      for (const part of parts) putParameter(part, await weights(part.name, part.shape), tensor);
      return tensor;
    };
    return { name, shape, make };
  });
}
