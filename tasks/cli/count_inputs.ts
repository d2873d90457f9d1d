// Counts the words of the inputs that were named, with progress, until Ctrl-C.
import type { InputReport } from "../../lib/corpus/expand_inputs.ts";
import { isStoredPlainly, nameOf, textSourceOf } from "../../lib/corpus/text_inputs.ts";
import {
  type CountedText,
  countTexts,
  type CountTextsOptions,
  type CountTimes,
} from "../../lib/corpus/count/count_texts.ts";
import { UserError } from "./errors.ts";
import { type FieldFlags, fieldOptions, requireField } from "./field_flag.ts";
import type { FilterGlobs } from "./file_filter.ts";
import { untilInterrupted } from "./interrupt.ts";
import { findInputs, warn } from "./text_inputs.ts";
import { TextProgress } from "./text_progress.ts";

/**
 * Counts inputs: files, directories, `-` for stdin.
 *
 * @param flags Globs for the files of directories, and how inputs are read that hold many texts.
 * @param check Called with the inputs' paths when they are known to be there, before they are read.
 */
export async function countInputs(
  paths: readonly string[],
  { include, exclude, ...reading }: FilterGlobs & FieldFlags,
  check: (inputs: readonly string[]) => void | Promise<void>,
  { mayBeEmpty = false, ...options }:
    & Pick<CountTextsOptions, "specialTokens" | "documentSeparator" | "pattern" | "normalizer">
    & {
      /** Whether there need not be any text. */
      readonly mayBeEmpty?: boolean;
    },
): Promise<CountedText & CountTimes & { readonly report?: InputReport }> {
  let report: InputReport | undefined;
  const inputs = await findInputs(paths, {
    onReport: (all) => report = all,
    ...fieldOptions(reading),
    stdinMayBeEmpty: mayBeEmpty,
    include,
    exclude,
  });
  const { field } = reading;
  requireField(field, inputs);
  await check(inputs.map(({ path }) => path));
  return await untilInterrupted(async (signal) => {
    // How much text a packed file holds is not known beforehand.
    const totals = inputs.map((input) => isStoredPlainly(input) ? input.bytes : undefined);
    using progress = new TextProgress(
      totals.includes(undefined) ? undefined : totals.reduce<number>((sum, n) => sum + n!, 0),
    );
    const sources = inputs.map((input) =>
      textSourceOf(input, { field, stdin: Deno.stdin.readable, signal, onWarning: warn })
    );
    const onProgress = (bytes: number) => progress.update({ storedBytes: bytes });
    const counted = await countTexts(sources, { ...options, names: inputs.map(nameOf), signal, onProgress });
    if (counted.bytes > 0 || mayBeEmpty) return { ...counted, report };
    throw new UserError(
      `Cannot count ${paths.join(", ")}: there is no text in any of them. Check how they were made`,
    );
  });
}
