// The files of weights in a Hugging Face model directory: model.safetensors, or shards and their index.
import { UserError } from "../../errors.ts";
import { openSafetensors, SAFETENSORS_INDEX, ShardedSafetensors } from "../../formats/sharded_safetensors.ts";
import { isFile } from "../../io/is_file.ts";
import type { ForeignTensor } from "../tensor_files.ts";

/** The name of the file of a model that is in one. */
export const SAFETENSORS_FILE = "model.safetensors";

/** Open files of weights. */
export interface WeightFiles extends Disposable {
  readonly paths: readonly string[];
  /** All tensors, by name. */
  readonly tensors: ReadonlyMap<string, ForeignTensor>;
}

/**
 * Opens a directory's files of weights, and reads their headers.
 * @throws {UserError} If there are none in safetensors, or they and their index do not belong together.
 */
export async function openWeightFiles(directory: string): Promise<WeightFiles> {
  const single = `${directory}/${SAFETENSORS_FILE}`;
  const path = await isFile(single) ? single : `${directory}/${SAFETENSORS_INDEX}`;
  if (!await isFile(path)) throw await missing(directory);
  const file = await openSafetensors(path);
  const tensors = new Map<string, ForeignTensor>();
  for (const [name, { shape, dtype }] of file.tensors) {
    tensors.set(name, { file: path, shape, dtype, read: () => file.readFloats(name) });
  }
  const paths = file instanceof ShardedSafetensors ? file.paths : [path];
  return { paths, tensors, [Symbol.dispose]: () => file[Symbol.dispose]() };
}

async function missing(directory: string): Promise<UserError> {
  for (const name of ["pytorch_model.bin", "pytorch_model.bin.index.json"]) {
    if (!await isFile(`${directory}/${name}`)) continue;
    return new UserError(
      `Cannot import ${directory}: got weights in ${name}, which can run any code, must be in ${SAFETENSORS_FILE}. ` +
        "Save them as safetensors: model.save_pretrained(..., safe_serialization=True)",
    );
  }
  return new UserError(
    `Cannot import ${directory}: got no ${SAFETENSORS_FILE} and no ${SAFETENSORS_INDEX}, must have one of them. ` +
      "Fetch the whole model",
  );
}
