// Finds the texts that were named, and reports on them on stderr.
import { expandInputs, type ExpandInputsOptions, type InputReport } from "../../lib/corpus/expand_inputs.ts";
import type { TextInput } from "../../lib/corpus/text_inputs.ts";
import { fileFilter } from "./file_filter.ts";

/** Paths that are listed of each kind; more are counted. */
const LISTED = 5;
/** What is passed over in any directory, and nothing to worry about. */
const EXPECTED: readonly string[] = ["hidden", "empty", "read already"];

/** Options for `findInputs`. */
export interface FindInputsOptions extends Omit<ExpandInputsOptions, "onReport" | "include"> {
  /** A glob that files in directories must match: see `fileFilter`. */
  readonly include?: string;
}

/** Finds inputs, and says what was found in directories and what is odd. Throws as {@linkcode expandInputs}. */
export function findInputs(
  paths: readonly string[],
  { include, ...options }: FindInputsOptions = {},
): Promise<TextInput[]> {
  const filter = include === undefined ? undefined : fileFilter(include);
  return expandInputs(paths, { ...options, include: filter, onReport: tell });
}

/** Prints a warning. */
export function warn(message: string): void {
  console.error(`warning: ${message}`);
}

function tell({ found, skipped, repeated, notUtf8, marked }: InputReport): void {
  const byReason = Map.groupBy(skipped, ({ reason }) => reason);
  if (found.length > 0) {
    const count = (counts: readonly (readonly [number, string])[]) =>
      counts.filter(([number]) => number > 0).map(([number, kind]) => `${number} ${kind}`).join(", ");
    const kinds = count([
      [found.filter(({ isGzip }) => isGzip).length, "packed"],
      [found.filter(({ isJsonLines }) => isJsonLines).length, "of JSON Lines"],
    ]);
    const passed = count(EXPECTED.map((reason) => [byReason.get(reason)?.length ?? 0, reason]));
    console.error(
      `Found ${files(found.length)} of text in directories` + (kinds && ` (${kinds})`) +
        (passed && `; skipped ${passed}`),
    );
  }
  for (const [reason, paths] of byReason) {
    if (!EXPECTED.includes(reason)) {
      warn(`skipped ${files(paths.length)}, ${reason}: ${list(paths.map(({ path }) => path))}`);
    }
  }
  if (repeated.length > 0) {
    warn(`${files(repeated.length)} named more than once, and read that many times: ${list(repeated)}`);
  }
  if (notUtf8.length > 0) {
    warn(`${files(notUtf8.length)} not in UTF-8, whose bytes are used as they are: ${list(notUtf8)}`);
  }
  if (marked.length > 0) {
    warn(`${files(marked.length)} with a byte order mark, which becomes part of the text: ${list(marked)}`);
  }
}

function files(count: number): string {
  return count === 1 ? "1 file" : `${count} files`;
}

function list(paths: readonly string[]): string {
  const more = paths.length - LISTED;
  return paths.slice(0, LISTED).join(", ") + (more > 0 ? `, and ${more} more` : "");
}
