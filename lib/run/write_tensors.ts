import type { Backend } from "../backend/backend.ts";
import { writeSafetensors } from "../formats/safetensors.ts";
import { viewOf } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";

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
