// Counting the words of what a person names, with progress, until Ctrl-C.
import { expandInputs, textSourceOf } from "../../lib/dataset/text_inputs.ts";
import { abortable } from "../../lib/io/abortable.ts";
import {
  type CountedText,
  countTexts,
  type CountTextsOptions,
  type CountTimes,
} from "../../lib/tokenizer/count_texts.ts";
import { untilInterrupted } from "./interrupt.ts";
import { TextProgress } from "./text_progress.ts";

/**
 * Counts inputs: files, directories, `-` for stdin.
 *
 * @param field Field of JSON Lines objects with the text. If it is given, stdin is JSON Lines too.
 * @param check Called with the inputs' paths when they are known to be there, before they are read.
 */
export async function countInputs(
  paths: readonly string[],
  field: string | undefined,
  check: (inputs: readonly string[]) => void | Promise<void>,
  options: Pick<CountTextsOptions, "specialTokens" | "pattern">,
): Promise<CountedText & CountTimes> {
  const inputs = await expandInputs(paths, { stdinIsJsonLines: field !== undefined });
  await check(inputs.map(({ path }) => path));
  return await untilInterrupted(async (signal) => {
    // How much text a packed file holds is not known beforehand.
    const totals = inputs.map(({ bytes, isGzip }) => isGzip ? null : bytes);
    using progress = new TextProgress(totals.includes(null) ? null : totals.reduce<number>((sum, n) => sum + n!, 0));
    const sources = inputs.map((input) =>
      textSourceOf(input, { field, stdin: abortable(Deno.stdin.readable, signal) })
    );
    const onProgress = (bytes: number) => progress.update({ storedBytes: bytes });
    return await countTexts(sources, { ...options, signal, onProgress });
  });
}
