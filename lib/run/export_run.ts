// A run's model, opened to be written for another library.
import { END_OF_TEXT } from "../generate/document_start.ts";
import type { ModelToExport } from "../interchange/model_to_export.ts";
import { hasJsonKeys } from "../io/has_json_keys.ts";
import type { OwnEntries } from "../io/own_entries.ts";
import { HUGGING_FACE_FILES } from "../interchange/huggingface/write_model.ts";
import { TOKENIZER_ENTRIES } from "../formats/tokenizer_dir.ts";
import { openWeights } from "./origin_tensors.ts";
import { findWeights, isImported, readAnyRunConfig, type WhichWeights } from "./run_directory.ts";
import { requireTransformer } from "./run_model.ts";
import { findRunTokenizer } from "./run_tokenizer.ts";

/** The picture of a run's losses, beside its model card. */
export const CURVE_FILE = "loss.svg";

/** The entries of an exported directory. */
export const EXPORT_ENTRIES: OwnEntries = {
  what: "an exported model",
  files: [...Object.values(HUGGING_FACE_FILES), CURVE_FILE, ...TOKENIZER_ENTRIES.files],
  isOwn: (directory) => hasJsonKeys(`${directory}/${HUGGING_FACE_FILES.config}`, ["model_type"]),
};

/**
 * Opens a run to export its model. Dispose of it to close the file of weights.
 *
 * @throws {NoWeightsError} If the run does not have the weights that were asked for.
 * @throws {UserError} If it is no run, is not a Transformer, or its tokenizer is not that of its data.
 */
export async function openRunToExport(
  directory: string,
  which: WhichWeights = "last",
): Promise<ModelToExport & Disposable> {
  const read = await readAnyRunConfig(directory);
  const config = requireTransformer(directory, read.model);
  const tokenizer = await findRunTokenizer(directory);
  const opened = await openWeights(await findWeights(directory, which));
  const end = tokenizer?.specialTokens.get(END_OF_TEXT);
  const imported = isImported(read) ? read.imported.stopIds : [];
  return {
    config,
    weights: opened.weights,
    tokenizer,
    // Where an imported model's texts end, its own files say.
    stopIds: imported.length > 0 || end === undefined ? imported : [end],
    [Symbol.dispose]: () => opened[Symbol.dispose](),
  };
}
