// The files of weights in a Hugging Face model directory: model.safetensors, or shards and their index.
import { UserError } from "../../errors.ts";
import { Safetensors } from "../../formats/safetensors.ts";
import { excerpt } from "../../io/excerpt.ts";
import { isFile } from "../../io/is_file.ts";
import { JsonFields } from "../../io/json_fields.ts";
import { readTextIfPresent } from "../../io/read_text.ts";
import type { ForeignTensor } from "../tensor_files.ts";

const SINGLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";

/** The largest index that is read. That of a model of 400 billion parameters has 100 KB. */
const MAX_INDEX_BYTES = 16 << 20;

/** The most files that one model is spread over. */
const MAX_FILES = 1000;

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
  const indexPath = `${directory}/${INDEX}`;
  const index = await isFile(`${directory}/${SINGLE}`)
    ? undefined
    : await readTextIfPresent(indexPath, MAX_INDEX_BYTES, "Fetch the model again");
  if (index === undefined && !await isFile(`${directory}/${SINGLE}`)) throw await missing(directory);
  const places = index === undefined ? undefined : readIndex(index, indexPath);
  const names = places === undefined ? [SINGLE] : [...new Set(places.values())].sort();
  using opened = new DisposableStack();
  const tensors = new Map<string, ForeignTensor>();
  for (const name of names) {
    const path = `${directory}/${name}`;
    const file = opened.use(await Safetensors.open(path));
    for (const { name: tensor, shape, dtype } of file.tensors.values()) {
      if (tensors.has(tensor) || (places !== undefined && places.get(tensor) !== name)) {
        throw new UserError(
          `Cannot read ${path}: got tensor ${excerpt(tensor)}, must be only those that ${INDEX} says are in it. ` +
            "Fetch the model again",
        );
      }
      tensors.set(tensor, { file: path, shape, dtype, read: () => file.readFloats(tensor) });
    }
  }
  const absent = [...places?.keys() ?? []].find((tensor) => !tensors.has(tensor));
  if (absent !== undefined) {
    throw new UserError(
      `Cannot read ${directory}/${excerpt(places!.get(absent)).slice(1, -1)}: got no tensor ${excerpt(absent)}, must ` +
        `be in it: ${INDEX} says so. Fetch the model again`,
    );
  }
  const files = opened.move();
  return { paths: names.map((name) => `${directory}/${name}`), tensors, [Symbol.dispose]: () => files.dispose() };
}

/** The file of each tensor. */
function readIndex(text: string, path: string): Map<string, string> {
  const source = { name: path, nextStep: "Fetch the model again" };
  const map = JsonFields.parse(text, source).object("weight_map");
  const places = new Map<string, string>();
  for (const tensor of map.names) {
    const file = map.string(tensor);
    // No path: nothing outside the directory is opened, whoever wrote the index.
    if (!/^[\w.-]+\.safetensors$/.test(file)) map.refuse(tensor, "the name of a .safetensors file beside it");
    places.set(tensor, file);
  }
  const count = new Set(places.values()).size;
  if (count < 1 || count > MAX_FILES) {
    throw new UserError(`Cannot read ${path}: got ${count} files, must be 1 to ${MAX_FILES}. Fetch the model again`);
  }
  return places;
}

async function missing(directory: string): Promise<UserError> {
  for (const name of ["pytorch_model.bin", "pytorch_model.bin.index.json"]) {
    if (!await isFile(`${directory}/${name}`)) continue;
    return new UserError(
      `Cannot import ${directory}: got weights in ${name}, which can run any code, must be in ${SINGLE}. ` +
        "Save them as safetensors: model.save_pretrained(..., safe_serialization=True)",
    );
  }
  return new UserError(
    `Cannot import ${directory}: got no ${SINGLE} and no ${INDEX}, must have one of them. Fetch the model whole`,
  );
}
