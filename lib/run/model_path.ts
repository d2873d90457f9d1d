// Finds what somebody named a model by: a run's directory, or another library's files.
import { UserError } from "../errors.ts";
import { hasJsonKeys } from "../io/has_json_keys.ts";
import { isFile } from "../io/is_file.ts";
import { restoreReplaced } from "../io/replace_directory.ts";
import { statIfPresent } from "../io/stat_if_present.ts";
import { pathOf } from "../tokenizer/tokenizer_source.ts";
import { FILES } from "./checkpoint_record.ts";
import { RUN_ENTRIES, RUN_FILES } from "./run_entries.ts";

/** Where a model is, and of what kind its files are. */
export interface ModelPath {
  readonly kind: "run" | "huggingface" | "gguf";
  readonly path: string;
}

/** What may be named. */
const MUST_BE = "a run's directory, which train-lm and trainRun write, a Hugging Face model's directory or a GGUF file";

/**
 * The path and the kind of a model.
 *
 * @throws {UserError} If it is a web address, does not exist, or is another file, or a checkpoint.
 */
export async function requireModelPath(model: string | URL): Promise<ModelPath> {
  const path = pathOf(model);
  const refuse = (got: string, next: string): never => {
    throw new UserError(`Cannot load a model from ${model}: got ${got}, must be ${MUST_BE}. ${next}`);
  };
  if (path === undefined) return refuse("no path", "Fetch the files, and give their path or its file: URL");
  await restoreReplaced(path, RUN_ENTRIES);
  const info = await statIfPresent(path);
  if (info === undefined) return refuse("no such directory", "Check the path");
  if (!info.isDirectory) {
    if (await isGguf(path)) return { kind: "gguf", path };
    return refuse(kindOf(path), "Give the directory that the model's files are in");
  }
  if (await isFile(`${path}/${FILES.record}`)) return refuse("a checkpoint", "Give the run that it is in");
  if (await isHuggingFace(path)) return { kind: "huggingface", path };
  return { kind: "run", path };
}

/** Whether a directory holds a Hugging Face model: its config.json names a model type. */
export async function isHuggingFace(directory: string): Promise<boolean> {
  return await hasJsonKeys(`${directory}/${RUN_FILES.config}`, ["model_type"]);
}

/** Whether a file begins as a GGUF file does, whatever its name. */
export async function isGguf(path: string): Promise<boolean> {
  if (!await isFile(path)) return false;
  using file = await Deno.open(path);
  const magic = new Uint8Array(4);
  return await file.read(magic) === 4 && new TextDecoder().decode(magic) === "GGUF";
}

function kindOf(path: string): string {
  if (/\.gguf$/i.test(path)) return "a file that does not begin as GGUF does";
  return /\.safetensors$/i.test(path) ? "a file of weights alone" : "a file";
}
