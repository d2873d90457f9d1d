import type { Backend } from "../backend/backend.ts";
import { UserError } from "../errors.ts";
import type { LanguageModel } from "./language_model.ts";
import { Safetensors, writeSafetensors } from "../formats/safetensors.ts";
import { shapeText } from "../formats/safetensors_header.ts";
import { readWeight, type WeightSource } from "./weights.ts";

/**
 * Saves a model's weights as .safetensors, one parameter at a time, under the names of `parameterSpecs`.
 * @param metadata Free text by key.
 */
export async function saveWeights(
  path: string,
  backend: Backend,
  model: LanguageModel,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const tensors = [...model.parameters.parts].map(([name, { shape }]) => ({
    name,
    dtype: "F32" as const,
    shape,
    data: () => readWeight(backend, model, name),
  }));
  await writeSafetensors(path, tensors, metadata);
}

/**
 * Weights from a .safetensors file.
 * @param file The caller still has to dispose of it.
 * @param label The file's name, for errors.
 * @throws {UserError} (from the source) If a parameter is missing or its shape is not the model's, or if a weight is
 *   NaN
 *   or infinite: such a model computes nothing meaningful.
 */
export function weightsFrom(file: Safetensors, label: string): WeightSource {
  return async (name, shape) => {
    const got = file.tensors.get(name)?.shape;
    if (got?.join() !== shape.join()) {
      const what = got === undefined ? "no such tensor" : `shape (${shapeText(got)})`;
      throw new UserError(
        `Cannot load ${name} from ${label}: got ${what}, must have shape (${shape.join(", ")}). ` +
          `Use the weights that belong to this config.json`,
      );
    }
    const weights = await file.readFloats(name);
    const bad = countNonFinite(weights);
    if (bad > 0) {
      throw new UserError(
        `Cannot load ${name} from ${label}: got ${bad} of ${weights.length} weights that are NaN or infinite, must be ` +
          "finite numbers. The training diverged, or the file is damaged: use weights from before that",
      );
    }
    return weights;
  };
}

/** Sums first, which is faster than checking each: 0 times such a number is NaN. */
function countNonFinite(weights: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += weights[i] * 0;
  if (sum === 0) return 0;
  return weights.reduce((count, weight) => Number.isFinite(weight) ? count : count + 1, 0);
}
