// Makes a run of another library's model.
import { UserError } from "../errors.ts";
import { writeSafetensors } from "../formats/safetensors.ts";
import { saveTokenizer } from "../formats/tokenizer_dir.ts";
import type { ForeignModel } from "../interchange/foreign_model.ts";
import { writeDirectoryAtomically, writeFileAtomically } from "../io/atomic.ts";
import { sha256OfFile } from "../io/sha256.ts";
import { parameterSpecs } from "../model/parameters.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import type { ImportedConfig } from "./import_record.ts";
import { RUN_ENTRIES, RUN_FILES } from "./run_entries.ts";

/** Options for `importModel`. */
export interface ImportModelOptions {
  /** The model. It is not disposed of. */
  readonly model: ForeignModel;
  /** What it is called in the record: its path. */
  readonly from: string;
  /** The tokenizer of its ids; without one, the run can be trained and measured with ids only. */
  readonly tokenizer?: Tokenizer;
  /** Whether to replace an existing run. Default: false. */
  readonly replace?: boolean;
}

/**
 * Writes a run's directory with another library's model: its shape and origin in config.json, its weights in float32,
 * and its tokenizer. Weights are converted one at a time. If anything fails, nothing is left behind.
 *
 * @throws {UserError} If a weight is not finite, the tokenizer has more tokens than the model, or something is in the
 *   way and `replace` is false.
 */
export async function importModel(directory: string, options: ImportModelOptions): Promise<ImportedConfig> {
  const { model, from, tokenizer, replace } = options;
  requireTokenizerFits(from, tokenizer, model.config.vocabSize);
  const files = [];
  for (const path of model.files) files.push({ path: await Deno.realPath(path), sha256: await sha256OfFile(path) });
  const { format, architecture, stopIds } = model;
  const config: ImportedConfig = { model: model.config, imported: { from, format, architecture, files, stopIds } };
  await writeDirectoryAtomically(directory, async (temporary) => {
    const tensors = parameterSpecs(model.config).map(({ name, shape }) => ({
      name,
      dtype: "F32" as const,
      shape,
      data: async () => await model.weights(name, shape),
    }));
    await writeSafetensors(`${temporary}/${RUN_FILES.weights}`, tensors);
    if (tokenizer) await saveTokenizer(tokenizer, temporary);
    await writeFileAtomically(`${temporary}/${RUN_FILES.config}`, `${JSON.stringify(config, null, 2)}\n`);
  }, { own: RUN_ENTRIES, replace });
  return config;
}

/** @throws {UserError} If a tokenizer has ids that a model has no row for. */
export function requireTokenizerFits(name: string, tokenizer: Tokenizer | undefined, vocabSize: number): void {
  if (tokenizer === undefined || tokenizer.vocabSize <= vocabSize) return;
  throw new UserError(
    `Cannot use the model of ${name}: got a tokenizer of ${tokenizer.vocabSize} tokens, must be at most the model's ` +
      `${vocabSize}. Use the tokenizer that it was trained with`,
  );
}
