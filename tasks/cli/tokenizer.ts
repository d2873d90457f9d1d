// Tokenizers that tasks load: the flags that name one, and what its files do not say.
import { restoreReplaced } from "../../lib/io/replace_directory.ts";
import { statIfPresent } from "../../lib/io/stat_if_present.ts";
import { loadTokenizer, type Tokenizer } from "../../lib/tokenizer/mod.ts";
import type { NormalizerStep } from "../../lib/tokenizer/normalize/normalizer_steps.ts";
import { ALL_PATTERN_NAMES, parsePattern, type Pattern } from "../../lib/tokenizer/pretokenize/named_patterns.ts";
import { TOKENIZER_ENTRIES } from "../../lib/formats/tokenizer_dir.ts";
import { UsageError, UserError } from "./errors.ts";
import { requireInputFile } from "./files.ts";

/** For tokenizers whose files do not say what splits text. */
export const PATTERN_FLAG = { type: "string", check: (text: string) => void patternFrom(text) } as const;

/** `gpt2, cl100k or …`, for `--help`. */
export const PATTERN_LIST = new Intl.ListFormat("en-GB", { type: "disjunction" }).format([
  ...ALL_PATTERN_NAMES,
  "a regular expression",
]);

const NORMALIZERS: Readonly<Record<string, NormalizerStep>> = {
  nfc: { type: "NFC" },
  nfd: { type: "NFD" },
  nfkc: { type: "NFKC" },
  nfkd: { type: "NFKD" },
  lowercase: { type: "Lowercase" },
};

/** How text is changed before it is split. */
export const NORMALIZER_FLAG = { type: "strings", choices: Object.keys(NORMALIZERS) } as const;

/** `nfc, nfd or …`, for `--help`. */
export const NORMALIZER_LIST = new Intl.ListFormat("en-GB", { type: "disjunction" }).format(Object.keys(NORMALIZERS));

/** @throws {UsageError} If it is no pattern. */
function patternFrom(text: string): Pattern {
  try {
    return parsePattern(text);
  } catch (error) {
    throw error instanceof UserError ? new UsageError(error.message) : error;
  }
}

/** How the flags say that text is split. */
export function splitFrom(flags: { readonly pattern?: string; readonly normalizer: readonly string[] }): {
  readonly pattern?: Pattern;
  readonly normalizer?: readonly NormalizerStep[];
} {
  return {
    ...(flags.pattern !== undefined && { pattern: patternFrom(flags.pattern) }),
    ...(flags.normalizer.length > 0 && { normalizer: flags.normalizer.map((name) => NORMALIZERS[name]) }),
  };
}

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
export async function openTokenizer(path: string, patternText?: string): Promise<Tokenizer> {
  await requireTokenizer(path);
  const pattern = patternText === undefined ? undefined : patternFrom(patternText);
  return await loadTokenizer(path, { pattern, onNote: (note) => console.error(`warning: ${note}`) });
}
