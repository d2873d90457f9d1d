import type { Backend } from "../backend/backend.ts";
import { UserError } from "../errors.ts";
import { Safetensors, writeSafetensors } from "./safetensors.ts";
import { shapeText } from "./safetensors_header.ts";
import type { Transformer } from "./transformer.ts";
import { readWeight, type WeightSource } from "./weights.ts";

/**
 * Saves a model's weights as .safetensors, one parameter at a time, under the names of `parameterSpecs`.
 * @param metadata Free text by key.
 */
export async function saveWeights(
  path: string,
  backend: Backend,
  model: Transformer,
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
 * @param file Stays the caller's to dispose of.
 * @param label The file's name, for errors.
 * @throws {UserError} (from the source) If a parameter is missing or has another shape than the model's.
 */
export function weightsFrom(file: Safetensors, label: string): WeightSource {
  return (name, shape) => {
    const got = file.tensors.get(name)?.shape;
    if (got?.join() !== shape.join()) {
      const what = got === undefined ? "no such tensor" : `shape (${shapeText(got)})`;
      throw new UserError(
        `Cannot load ${name} from ${label}: got ${what}, must have shape (${shape.join(", ")}). ` +
          `Use the weights that belong to this config.json`,
      );
    }
    return file.readFloats(name);
  };
}
