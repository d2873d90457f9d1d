/**
 * Other libraries' models: Hugging Face's directories and GGUF files, read as Transformers and written from them; and
 * runs that are imported and exported.
 *
 * @example A model for transformers, and the same read again
 * ```ts
 * import { createBackend, initialWeights, loadModel, PRESETS } from "@bytelm/bytelm";
 * import { huggingFaceArchitecture, writeHuggingFaceModel } from "@bytelm/bytelm/interchange";
 *
 * const config = { ...PRESETS.tiny, vocabSize: 300, numLayers: 1 };
 * const model = { config, weights: initialWeights(config, 0), tokenizer: undefined, stopIds: [] };
 * const directory = await Deno.makeTempDir();
 * await writeHuggingFaceModel(directory, model, huggingFaceArchitecture(config)); // a "llama"
 * await using backend = await createBackend("wasm", { workers: 1 });
 * await using loaded = await loadModel(directory, { backend });
 * console.log((await loaded.allLogits([1, 2, 3])).length); // 900: three rows of 300
 * ```
 *
 * @module
 */
export type { ForeignModel, ForeignModelOptions } from "./foreign_model.ts";
export type { ModelToExport } from "./model_to_export.ts";

// Hugging Face
export { openHuggingFaceModel } from "./huggingface/open_model.ts";
export { HUGGING_FACE_FILES, huggingFaceArchitecture, writeHuggingFaceModel } from "./huggingface/write_model.ts";

// GGUF
export { openGgufModel } from "./gguf/open_model.ts";
export {
  GGUF_TYPES,
  ggufArchitecture,
  type GgufMatrixType,
  type GgufModelOptions,
  writeGgufModel,
} from "./gguf/write_model.ts";

// Runs
export { openRunToExport } from "../run/export_run.ts";
export { importModel, type ImportModelOptions } from "../run/import_model.ts";
export type { ImportedConfig, ImportRecord } from "../run/import_record.ts";
export { isImported, readAnyRunConfig } from "../run/run_directory.ts";
