import type { TextInput } from "../../lib/corpus/text_inputs.ts";
import { UsageError } from "./errors.ts";
import { shown } from "./shown.ts";

/** @throws {UsageError} If --field was given, and no input has fields: their text would be taken as it is. */
export function requireField(field: string | undefined, inputs: readonly TextInput[]): void {
  if (field === undefined || inputs.some(({ isJsonLines }) => isJsonLines)) return;
  throw new UsageError(
    `Cannot read --field ${shown(field)}: there is no JSON Lines input. ` +
      "Name .jsonl or .ndjson files, or leave --field out",
  );
}
