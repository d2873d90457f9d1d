// Counts the words of a shard of text, for train-bpe --counts.
//   deno task count --input corpus/part-00003.txt --out counts/part-00003.counts
import { writeFileAtomically } from "../lib/io/atomic.ts";
import { formatCounts } from "../lib/corpus/count/count_file.ts";
import { countInputs } from "./cli/count_inputs.ts";
import { DOCUMENT_SEPARATOR_FLAG, parseDocumentSeparator } from "./cli/document_separator.ts";
import { FILTER_FLAGS, FILTER_HELP } from "./cli/file_filter.ts";
import { requireOutputFile } from "./cli/output.ts";
import { runProgram } from "./cli/program.ts";
import { NORMALIZER_FLAG, NORMALIZER_LIST, PATTERN_FLAG, PATTERN_LIST, splitFrom } from "./cli/tokenizer.ts";
import { runTask } from "./cli/run.ts";
import { formatBytes } from "./cli/sizes.ts";
import { writeOut } from "./cli/standard_output.ts";

const HELP = `
Counts the words that a tokenizer is trained on. Counting is most of the work of training, and can be divided: count the
shards of a corpus on as many machines as you like, then train on all the counts with: deno task train-bpe --counts

  deno task count --input corpus/part-00003.txt --out counts/part-00003.counts
  ls corpus/* | xargs -P8 -I{} sh -c 'deno task count --input {} --out counts/$(basename {}).counts'

The merges are the same as from one run over all the text, provided that no document spans two shards.

  --input PATH...     the text: files, directories, or - for stdin. Gzip is decompressed; each line of a .jsonl or .ndjson
                      file is a text
  ${FILTER_HELP}
  --stdin             the same as --input -
  --field NAME        field with the text in .jsonl objects. Default: text. If given, stdin is read as JSON Lines too
  --special TOKEN     text that splits the input; may be given several times. Default: <|endoftext|>
  --document-separator TEXT  the text between documents, if it is no special token. It splits the input and is not
                      counted. '\\n-----\\n' is a line of five dashes
  --pattern NAME      how text is split into words: ${PATTERN_LIST}
                      in Oniguruma's dialect. Default: gpt2
  --normalizer NAME   how text is changed before: ${NORMALIZER_LIST}; may be given several times.
                      Default: it is not
  --out FILE          the counts: sorted, compact, with a checksum; - writes them to stdout
  --base64            write them as one line of text, for Spark's pipe; stdin may be empty then
  --force             replace an existing FILE
  --help              print this
`;

const TASK = {
  name: "count",
  help: HELP,
  flags: {
    input: { type: "strings", many: true, requiredWithout: ["stdin"] },
    stdin: { type: "boolean" },
    ...FILTER_FLAGS,
    field: { type: "string" },
    special: { type: "strings", default: ["<|endoftext|>"] },
    "document-separator": DOCUMENT_SEPARATOR_FLAG,
    pattern: PATTERN_FLAG,
    normalizer: NORMALIZER_FLAG,
    out: { type: "string", required: true },
    base64: { type: "boolean" },
    force: { type: "boolean" },
  },
} as const;

export function main(args: string[]): Promise<number> {
  return runTask(TASK, args, async (flags) => {
    const paths = [...flags.input, ...flags.stdin ? ["-"] : []];
    const started = performance.now();
    const check = async (inputs: readonly string[]) => {
      if (flags.out !== "-") await requireOutputFile(flags.out, { force: flags.force, inputs });
    };
    const counted = await countInputs(paths, flags, check, {
      specialTokens: flags.special,
      documentSeparator: parseDocumentSeparator("count", flags["document-separator"]),
      ...splitFrom(flags),
      // A partition of Spark's may be empty.
      mayBeEmpty: flags.base64,
    });
    const file = formatCounts(counted);
    const data = flags.base64 ? new TextEncoder().encode(`${file.toBase64()}\n`) : file;
    if (flags.out === "-") await writeOut(data);
    else await writeFileAtomically(flags.out, data, { replace: flags.force });
    const seconds = (performance.now() - started) / 1000;
    console.error(
      `Counted ${counted.words.counts.length} words in ${formatBytes(counted.bytes)} in ${seconds.toFixed(2)} s, ${
        (counted.bytes / 1e6 / seconds).toFixed(1)
      } MB/s: ${flags.out}, ${formatBytes(data.length)}`,
    );
  });
}

if (import.meta.main) await runProgram(main);
