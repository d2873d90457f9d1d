// The flags that say how inputs are read that hold many texts.
import type { ExpandInputsOptions } from "../../lib/corpus/expand_inputs.ts";
import { hasFields, type TextInput } from "../../lib/corpus/text_inputs.ts";
import { UsageError } from "./errors.ts";
import { shown } from "./shown.ts";

/** The flags for inputs with many texts. */
export const FIELD_FLAGS = {
  field: { type: "string" },
  "as-text": { type: "boolean" },
} as const;

/** Lines of `--help` for them. */
export const FIELD_HELP =
  `--field NAME        the field of JSON Lines, or the column of Parquet, with the text. Default: text. If given, stdin and
                      files that look like JSON Lines are read as such
  --as-text           take files of other names that look like JSON Lines, a JSON array or CSV for plain text`;

/** What the flags gave. */
export interface FieldFlags {
  readonly field?: string;
  readonly "as-text"?: boolean;
}

/** Options for finding inputs, from the flags. */
export function fieldOptions(flags: FieldFlags): Pick<ExpandInputsOptions, "field" | "asText" | "stdinIsJsonLines"> {
  const { field } = flags;
  return { stdinIsJsonLines: field !== undefined, ...(field !== undefined && { field }), asText: flags["as-text"] };
}

/** @throws {UsageError} If --field was given, and no input has fields: their text would be taken as it is. */
export function requireField(field: string | undefined, inputs: readonly TextInput[]): void {
  if (field === undefined || inputs.some(hasFields)) return;
  throw new UsageError(
    `Cannot read --field ${shown(field)}: there is no JSON Lines input and no Parquet file. ` +
      "Name .jsonl, .ndjson or .parquet files, or leave --field out",
  );
}
