// Finds the directory of a run that somebody named. If it is not a run, the message says what it is.
import { UserError } from "../errors.ts";
import { hasJsonKeys } from "../io/has_json_keys.ts";
import { isFile } from "../io/is_file.ts";
import { restoreReplaced } from "../io/replace_directory.ts";
import { statIfPresent } from "../io/stat_if_present.ts";
import { pathOf } from "../tokenizer/tokenizer_source.ts";
import { FILES } from "./checkpoint_record.ts";
import { RUN_ENTRIES, RUN_FILES } from "./run_entries.ts";

/**
 * The path of a run's directory.
 *
 * @throws {UserError} If it is a web address, does not exist, or is a file, a checkpoint or a Hugging Face model.
 */
export async function requireRunPath(run: string | URL): Promise<string> {
  const path = pathOf(run);
  const refuse = (got: string, next: string): never => {
    throw new UserError(
      `Cannot load a model from ${run}: got ${got}, must be a run's directory, which train-lm and trainRun write. ${next}`,
    );
  };
  if (path === undefined) return refuse("no path", "Fetch the directory, and give its path or its file: URL");
  await restoreReplaced(path, RUN_ENTRIES);
  const info = await statIfPresent(path);
  if (info === undefined) return refuse("no such directory", "Check the path");
  if (!info.isDirectory) return refuse(kindOf(path), "Give the directory that a run's files are in");
  if (await isFile(`${path}/${FILES.record}`)) return refuse("a checkpoint", "Give the run that it is in");
  if (await hasJsonKeys(`${path}/${RUN_FILES.config}`, ["model_type"])) {
    return refuse("a Hugging Face model", "Train a run of your own");
  }
  return path;
}

function kindOf(path: string): string {
  if (/\.gguf$/i.test(path)) return "a GGUF file";
  return /\.safetensors$/i.test(path) ? "a file of weights alone" : "a file";
}
