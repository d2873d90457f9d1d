// What config.json says of a run that was not trained here, but made from another library's model.
import { parseHash } from "../dataset/tokenizer_id.ts";
import type { JsonFields } from "../io/json_fields.ts";
import type { ModelConfig } from "../model/config.ts";
import type { OriginFile } from "./origin_record.ts";

/** Where an imported run's weights came from. */
export interface ImportRecord {
  /** The directory or file, as it was named. */
  readonly from: string;
  /** The kind of those files. */
  readonly format: "huggingface" | "gguf";
  /** What they call the model's architecture: `llama`. */
  readonly architecture: string;
  /** The files of weights. */
  readonly files: readonly OriginFile[];
  /** The ids at which a text ends. */
  readonly stopIds: readonly number[];
}

/** The contents of an imported run's config.json: it has neither settings of a training, nor data. */
export interface ImportedConfig {
  /** The model's shape. */
  readonly model: ModelConfig;
  /** Where it came from. */
  readonly imported: ImportRecord;
}

/**
 * Reads a record from JSON that may come from anywhere.
 * @throws {UserError} If a field is missing, unknown, or of the wrong kind.
 */
export function importRecordOf(fields: JsonFields): ImportRecord {
  fields.allowOnly(["from", "format", "architecture", "files", "stopIds"]);
  const stopIds = fields.list("stopIds");
  if (!stopIds.every((id) => Number.isSafeInteger(id) && (id as number) >= 0)) {
    fields.refuse("stopIds", "a list of token ids");
  }
  return {
    from: fields.string("from"),
    format: fields.oneOf("format", ["huggingface", "gguf"]),
    architecture: fields.string("architecture"),
    files: fields.objects("files").map((file) => {
      file.allowOnly(["path", "sha256"]);
      return { path: file.string("path"), sha256: parseHash(file, "sha256") };
    }),
    stopIds: stopIds as readonly number[],
  };
}
