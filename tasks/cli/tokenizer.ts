// Tokenizers that tasks load: the flags that name one, and what its files do not say.
import { restoreReplaced } from "../../lib/io/replace_directory.ts";
import { statIfPresent } from "../../lib/io/stat_if_present.ts";
import { loadTokenizer, type Tokenizer } from "../../lib/tokenizer/mod.ts";
import { PATTERN_NAMES, type PatternName } from "../../lib/tokenizer/pretokenize/patterns.ts";
import { TOKENIZER_ENTRIES } from "../../lib/formats/tokenizer_dir.ts";
import { UserError } from "./errors.ts";
import { requireInputFile } from "./files.ts";

/** For tokenizers whose files do not say what splits text. */
export const PATTERN_FLAG = { type: "string", choices: PATTERN_NAMES } as const;

/** `gpt2, cl100k or …`, for `--help`. */
export const PATTERN_LIST = new Intl.ListFormat("en-GB", { type: "disjunction" }).format(PATTERN_NAMES);

/** Lines of `--help` for `PATTERN_FLAG`. */
export const PATTERN_HELP =
  `--pattern NAME      how text is split, if the files (ranks, or vocab.json and merges.txt) do not say:
                      ${PATTERN_LIST}`;

/** Lines of `--help` for the flags that name a tokenizer. */
export const TOKENIZER_HELP =
  `--tokenizer PATH    directory with tokenizer.json, or vocab.json and merges.txt; or a file: a
                      tokenizer.json, or tiktoken's ranks
  ${PATTERN_HELP}`;

/** @throws {UserError} If `path` is neither a directory nor a file with something in it: what a tokenizer may be in. */
export async function requireTokenizer(path: string): Promise<void> {
  await restoreReplaced(path, TOKENIZER_ENTRIES);
  const info = await statIfPresent(path);
  if (info === undefined) {
    throw new UserError(
      `Cannot read ${path}: there is no such file or directory. Check the path`,
    );
  }
  if (!info.isDirectory) await requireInputFile(path);
}

/** Loads a tokenizer, and warns on stderr of what its files ask for that is not done, and of what was assumed. */
export async function openTokenizer(path: string, pattern?: PatternName): Promise<Tokenizer> {
  await requireTokenizer(path);
  return await loadTokenizer(path, { pattern, onNote: (note) => console.error(`warning: ${note}`) });
}
