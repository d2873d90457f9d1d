// The token files of a training.
import { requireVocabulary, requireWindow } from "../../lib/dataset/batches.ts";
import type { TokenSource } from "../../lib/dataset/token_source.ts";
import { type DataRecord, recordOf } from "../../lib/run/data_record.ts";
import type { MergedConfig } from "../../lib/run/merge_config.ts";
import { type NamedTokenizer, openTokensOf } from "../cli/token_files.ts";

/** Opens a token file and checks that the model can be trained on it, and that it is of the model's tokenizer. */
export async function openChecked(path: string, { model }: Pick<MergedConfig, "model">, tokenizer?: NamedTokenizer) {
  const tokens = await openTokensOf(path, tokenizer);
  try {
    requireWindow(tokens, model.contextLength);
    await requireVocabulary(tokens, model.vocabSize);
    return tokens;
  } catch (error) {
    tokens.close();
    throw error;
  }
}

/** A record under the file's full path, so that the run can be resumed from elsewhere. */
export async function absoluteRecord(tokens: TokenSource): Promise<DataRecord> {
  return { ...await recordOf(tokens), name: await Deno.realPath(tokens.name) };
}
