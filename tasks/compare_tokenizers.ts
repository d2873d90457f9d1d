// Compares tokenizers: how much text a token stands for, and how fast they are.
//   deno task compare-tokenizers --tokenizer out/a --tokenizer out/b --input stories.txt --input web.txt
import { compareTokenizers, type TokenizerComparison } from "../lib/corpus/compare_tokenizers.ts";
import { STDIN } from "../lib/corpus/text_inputs.ts";
import { DOCUMENT_SEPARATOR_FLAG, separatorTokens } from "./cli/document_separator.ts";
import { UsageError } from "./cli/errors.ts";
import { FIELD_FLAGS, FIELD_HELP, fieldOptions, requireField } from "./cli/field_flag.ts";
import { FILTER_FLAGS, FILTER_HELP } from "./cli/file_filter.ts";
import { untilInterrupted } from "./cli/interrupt.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
import { findInputs } from "./cli/text_inputs.ts";
import { openTokenizer, PATTERN_FLAG, PATTERN_HELP } from "./cli/tokenizer.ts";

const HELP = `
Compares tokenizers on texts: bytes per token (the more, the fewer tokens a text needs), the speed of one thread, and how
long the Pile (825 GiB) would take at that speed.

  deno task compare-tokenizers --tokenizer out/a --tokenizer out/b --input stories.txt --input web.txt

  --tokenizer PATH... directories with tokenizer.json, or vocab.json and merges.txt; or files: a tokenizer.json, or
                      tiktoken's ranks
  ${PATTERN_HELP}
  --input PATH...     the texts: files or directories. Gzip and zstd are decompressed; each line of a .jsonl or .ndjson file,
                      and each row of a Parquet file, is a text
  ${FILTER_HELP}
  ${FIELD_HELP}
  --document-separator TEXT  the text between documents: each becomes the token <|endoftext|>, as for encode
  --json              print JSON
  --help              print this
`;

const TASK = {
  name: "compare-tokenizers",
  help: HELP,
  flags: {
    tokenizer: { type: "strings", required: true, many: true },
    pattern: PATTERN_FLAG,
    input: { type: "strings", required: true, many: true },
    ...FILTER_FLAGS,
    ...FIELD_FLAGS,
    "document-separator": DOCUMENT_SEPARATOR_FLAG,
    json: { type: "boolean" },
  },
} as const;

export function main(args: string[]): Promise<number> {
  return runTask(TASK, args, async (flags) => {
    if (flags.input.includes(STDIN)) {
      throw new UsageError("Cannot run compare-tokenizers: got --input -, must be files, which are read several times");
    }
    const inputs = await findInputs(flags.input, {
      ...fieldOptions(flags),
      include: flags.include,
      exclude: flags.exclude,
    });
    requireField(flags.field, inputs);
    const tokenizers = await Promise.all(
      flags.tokenizer.map(async (name) => {
        const tokenizer = await openTokenizer(name, flags.pattern);
        const { documentSeparator } = separatorTokens("compare-tokenizers", name, tokenizer, flags);
        return { name, tokenizer, documentSeparator };
      }),
    );
    const results = await untilInterrupted((signal) =>
      Array.fromAsync(compareTokenizers(tokenizers, inputs, { field: flags.field, signal }))
    );
    console.log(flags.json ? JSON.stringify(results, null, 2) : formatTable(results));
  });
}

function formatTable(results: readonly TokenizerComparison[]): string {
  const rows = [
    ["text", "tokenizer", "bytes", "tokens", "bytes/token", "MB/s", "the Pile"],
    ...results.map((result) => [
      result.input,
      result.tokenizer,
      String(result.bytes),
      String(result.tokens),
      result.bytesPerToken.toFixed(3),
      (result.bytesPerSecond / 1e6).toFixed(1),
      result.pileHours >= 48 ? `${(result.pileHours / 24).toFixed(1)} days` : `${result.pileHours.toFixed(1)} h`,
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const isText = (column: number) => column < 2;
  return rows.map((row) =>
    row.map((cell, column) => isText(column) ? cell.padEnd(widths[column]) : cell.padStart(widths[column])).join("  ")
  ).join("\n");
}

if (import.meta.main) await runProgram(main);
