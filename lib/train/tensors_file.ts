// A file of named tensors on a backend, which go back to where they were read from, bit for bit.
import type { Backend } from "../backend/backend.ts";
import { UserError } from "../errors.ts";
import { Safetensors, writeSafetensors } from "../formats/safetensors.ts";
import { shapeText } from "../formats/safetensors_header.ts";
import { viewOf } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";
import { excerpt } from "../io/excerpt.ts";

/** Tensors with a fixed place, by the names that they have in the file. */
export type NamedTensors = ReadonlyMap<string, Tensor>;

/**
 * Writes them as .safetensors, one at a time, under a temporary name that becomes `path` once all is on disk.
 * @throws {UserError} Naming the first that holds a number that is NaN or infinite; what is at `path` stays.
 */
export async function saveTensors(
  path: string,
  backend: Backend,
  tensors: NamedTensors,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const toWrite = [...tensors].map(([name, tensor]) => ({
    name,
    dtype: "F32" as const,
    shape: tensor.shape,
    data: async () => {
      const values = await backend.read(viewOf(tensor, tensor.placement!)) as Float32Array;
      requireFinite(`Cannot save ${path}`, name, values);
      return values;
    },
  }));
  await writeSafetensors(path, toWrite, metadata);
}

/**
 * Reads what `saveTensors` wrote back to its places.
 * @param accept Looks at the metadata, before anything is changed.
 * @returns What `accept` gives.
 * @throws {UserError} If a tensor is missing, has another type or shape, is one too many or not finite, or the file is
 *   damaged; nothing is changed then.
 */
export async function loadTensors<T>(
  path: string,
  backend: Backend,
  tensors: NamedTensors,
  accept: (metadata: Readonly<Record<string, string>>) => T,
): Promise<T> {
  using file = await Safetensors.open(path);
  const problem = `Cannot load ${path}`;
  for (const [name, { shape }] of tensors) {
    const got = file.tensors.get(name);
    if (got?.dtype === "F32" && got.shape.join() === shape.join()) continue;
    const what = got === undefined
      ? "no such tensor"
      : `type ${excerpt(got.dtype)} and shape (${shapeText(got.shape)})`;
    throw new UserError(`${problem}: got ${what} for ${name}, must be F32 of shape (${shape.join(", ")})`);
  }
  const extra = [...file.tensors.keys()].find((name) => !tensors.has(name));
  if (extra !== undefined) {
    throw new UserError(`${problem}: got tensor ${excerpt(extra)}, must be one of ${[...tensors.keys()].join(", ")}`);
  }
  // All are looked at before any is written.
  for (const name of tensors.keys()) requireFinite(problem, name, file.readFloats(name));
  const accepted = accept(file.metadata);
  for (const [name, tensor] of tensors) backend.write(viewOf(tensor, tensor.placement!), file.readFloats(name));
  return accepted;
}

function requireFinite(problem: string, name: string, values: Float32Array): void {
  let bad = 0;
  // A plain loop: values may be many.
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) bad++;
  if (bad === 0) return;
  throw new UserError(
    `${problem}: got ${bad} of ${values.length} numbers in ${name} that are NaN or infinite, must be finite. Use what was ` +
      "saved before that",
  );
}
