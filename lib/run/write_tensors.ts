import type { Backend } from "../backend/backend.ts";
import { writeSafetensors } from "../formats/safetensors.ts";
import { viewOf } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";
import { isAdapter, mergedWeights } from "../model/lora.ts";
import type { WeightSource } from "../model/weights.ts";

/** What is written besides the tensors, and what looks at them before. */
export interface WriteTensorsOptions {
  /** Free text by key. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Looks at each tensor's values before they are written. */
  readonly check?: (name: string, values: Float32Array) => void;
}

/** Writes tensors on a backend as .safetensors, one at a time. */
export async function writeTensors(
  path: string,
  backend: Backend,
  tensors: ReadonlyMap<string, Tensor>,
  { metadata, check }: WriteTensorsOptions = {},
): Promise<void> {
  const toWrite = [...tensors].map(([name, tensor]) => ({
    name,
    dtype: "F32" as const,
    shape: tensor.shape,
    data: async () => {
      const values = await backend.read(viewOf(tensor, tensor.placement!)) as Float32Array;
      check?.(name, values);
      return values;
    },
  }));
  await writeSafetensors(path, toWrite, metadata);
}

/** Writes the tensors of a model with adapters, each of which is merged with the weight that it belongs to. */
export async function writeMerged(
  path: string,
  backend: Backend,
  tensors: ReadonlyMap<string, Tensor>,
  { metadata, factor }: WriteTensorsOptions & { readonly factor: number },
): Promise<void> {
  const read: WeightSource = async (name) => {
    const tensor = tensors.get(name)!;
    return await backend.read(viewOf(tensor, tensor.placement!)) as Float32Array;
  };
  const specs = [...tensors].map(([name, { shape }]) => ({ name, shape }));
  const merged = mergedWeights(read, specs.filter(({ name }) => isAdapter(name)), factor);
  const toWrite = specs.filter(({ name }) => !isAdapter(name)).map(({ name, shape }) => ({
    name,
    dtype: "F32" as const,
    shape,
    data: async () => await merged(name, shape),
  }));
  await writeSafetensors(path, toWrite, metadata);
}
