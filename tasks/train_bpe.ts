// Trains a byte-level BPE tokenizer on text.
//   deno task train-bpe --input data/shakespeare.txt --vocab-size 2000 --out out/tokenizer
// As a whole: an older Deno lacks what is used of it, and would not come so far as to say that it is too old.
import process from "node:process";
import { writeDirectoryAtomically, writeFileAtomically } from "../lib/io/atomic.ts";
import { addCounts, parseCounts } from "../lib/corpus/count/count_file.ts";
import { type CountedText, type CountTimes } from "../lib/corpus/count/count_texts.ts";
import type { InputReport } from "../lib/corpus/expand_inputs.ts";
import { longestTokens, MergeHistory } from "../lib/tokenizer/train/merge_history.ts";
import { formatTiktoken } from "../lib/tokenizer/vocabulary/tiktoken_file.ts";
import type { Tokenizer } from "../lib/tokenizer/tokenizer.ts";
import { saveTokenizer, TOKENIZER_ENTRIES, TOKENIZER_TIKTOKEN } from "../lib/formats/tokenizer_dir.ts";
import { requireVocabSize } from "../lib/tokenizer/train/train.ts";
import { trainBpeFromCounts } from "../lib/corpus/train_bpe.ts";
import { countInputs } from "./cli/count_inputs.ts";
import { DOCUMENT_SEPARATOR_FLAG, parseDocumentSeparator } from "./cli/document_separator.ts";
import { UsageError } from "./cli/errors.ts";
import { FIELD_FLAGS, FIELD_HELP } from "./cli/field_flag.ts";
import { FILTER_FLAGS, FILTER_HELP } from "./cli/file_filter.ts";
import { requireInputFile } from "./cli/files.ts";
import type { Flags } from "./cli/flags.ts";
import { requireOutputDirectory } from "./cli/output.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
import { formatBytes } from "./cli/sizes.ts";
import { describeInputs } from "./cli/text_inputs.ts";
import { NORMALIZER_FLAG, NORMALIZER_LIST, PATTERN_FLAG, PATTERN_LIST, splitFrom } from "./cli/tokenizer.ts";
import { quoteToken } from "./cli/tokens.ts";

const HELP = `
Trains a byte-level BPE tokenizer on text, or on words that were counted earlier.

  deno task train-bpe --input data/shakespeare.txt --vocab-size 2000 --out out/tokenizer
  deno task train-bpe --counts counts/*.counts --vocab-size 32000 --out out/tokenizer

  --input PATH...     text to train on: files, directories, or - for stdin. Gzip and zstd are decompressed; each line of a
                      .jsonl or .ndjson file, and each row of a Parquet file, is a text
  ${FILTER_HELP}
  ${FIELD_HELP}
  --counts FILE...    word counts from deno task count, instead of text. The merges are the same
  --vocab-size N      number of tokens: special tokens, 256 bytes, and the merges
  --out DIR           new directory for tokenizer.json, vocab.json and merges.txt
  --special TOKEN     text that is always one token, and never part of another; may be given several times.
                      Default: <|endoftext|>, or the special tokens of the counts
  --document-separator TEXT  the text between documents, if it is no special token: no merge crosses it, and it is not
                      in the vocabulary. '\\n-----\\n' is a line of five dashes
  --pattern NAME      how text is split into words: ${PATTERN_LIST}
                      in Oniguruma's dialect. Default: gpt2
  --normalizer NAME   how text is changed before: ${NORMALIZER_LIST}; may be given several times.
                      Default: it is not
  --tiktoken          also write DIR/tokenizer.tiktoken: ranks for Python's tiktoken, without the pattern and the special
                      tokens
  --json              print the report as JSON: what was read by kind, seconds per phase, peak memory, the longest token
                      and its merges
  --force             replace DIR if it holds a tokenizer and nothing else
  --help              print this
`;

const TASK = {
  name: "train-bpe",
  help: HELP,
  flags: {
    input: { type: "strings", many: true, requiredWithout: ["counts"] },
    ...FILTER_FLAGS,
    ...FIELD_FLAGS,
    counts: { type: "strings", many: true },
    // 256 bytes and a special token.
    "vocab-size": { type: "integer", required: true, min: 257 },
    out: { type: "string", required: true },
    special: { type: "strings" },
    "document-separator": DOCUMENT_SEPARATOR_FLAG,
    pattern: PATTERN_FLAG,
    normalizer: NORMALIZER_FLAG,
    tiktoken: { type: "boolean" },
    json: { type: "boolean" },
    force: { type: "boolean" },
  },
} as const;

type TrainFlags = Flags<typeof TASK.flags>;

export function main(args: string[]): Promise<number> {
  return runTask(TASK, args, async (flags) => {
    if (flags.input.length > 0 && flags.counts.length > 0) {
      throw new UsageError(
        "Cannot run train-bpe: got --input and --counts, must be only one of them. See: deno task train-bpe --help",
      );
    }
    const started = performance.now();
    const counted = flags.counts.length > 0 ? await readCounts(flags) : await countText(flags);
    const mergeStarted = performance.now();
    const tokenizer = trainBpeFromCounts(counted, { vocabSize: flags["vocab-size"] });
    const writeStarted = performance.now();
    await writeDirectoryAtomically(flags.out, async (dir) => {
      await saveTokenizer(tokenizer, dir);
      if (flags.tiktoken) {
        await writeFileAtomically(`${dir}/${TOKENIZER_TIKTOKEN}`, formatTiktoken(tokenizer.vocabulary));
      }
    }, { own: TOKENIZER_ENTRIES, replace: flags.force });
    const ended = performance.now();
    const report = {
      vocabSize: tokenizer.vocabSize,
      ...(counted.report && { inputs: describeInputs(counted.report) }),
      bytes: counted.bytes,
      words: counted.words.counts.length,
      seconds: {
        read: counted.readSeconds,
        pretokenize: counted.pretokenizeSeconds,
        merge: (writeStarted - mergeStarted) / 1000,
        write: (ended - writeStarted) / 1000,
        total: (ended - started) / 1000,
      },
      // In kilobytes, as getrusage() says on Linux; it is the whole process's, with its threads.
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
      longestToken: describeLongest(tokenizer),
      out: flags.out,
    };
    console.log(flags.json ? JSON.stringify(report, null, 2) : formatReport(report));
  });
}

/** Counted words, and of text what was read. */
type Counted = CountedText & CountTimes & { readonly report?: InputReport };

function countText(flags: TrainFlags): Promise<Counted> {
  const specialTokens = flags.special.length > 0 ? flags.special : ["<|endoftext|>"];
  const check = async (inputs: readonly string[]) => {
    await requireOutput(flags, inputs);
    requireVocabSize(flags["vocab-size"], [...new Set(specialTokens)]);
  };
  return countInputs(flags.input, flags, check, {
    specialTokens,
    documentSeparator: parseDocumentSeparator("train-bpe", flags["document-separator"]),
    ...splitFrom(flags),
  });
}

async function readCounts(flags: TrainFlags): Promise<Counted> {
  for (const given of ["special", "document-separator", "pattern", "normalizer"] as const) {
    if ((flags[given]?.length ?? 0) === 0) continue;
    throw new UsageError(
      `Cannot run train-bpe: got --${given} with --counts, must be given when counting. See: deno task count --help`,
    );
  }
  for (const path of flags.counts) await requireInputFile(path);
  await requireOutput(flags, flags.counts);
  const started = performance.now();
  let bytes = 0;
  async function* parts() {
    for (const name of flags.counts) {
      const file = await Deno.readFile(name);
      bytes += file.length;
      yield { ...parseCounts(file, name), name };
    }
  }
  const counted = await addCounts(parts());
  return { ...counted, bytes, readSeconds: (performance.now() - started) / 1000, pretokenizeSeconds: 0 };
}

async function requireOutput({ out, force }: TrainFlags, inputs: readonly string[]): Promise<void> {
  await requireOutputDirectory(out, { force, inputs, own: TOKENIZER_ENTRIES });
}

function describeLongest(tokenizer: Tokenizer) {
  const { vocabulary } = tokenizer;
  const quote = (id: number) => quoteToken(vocabulary.tokens.get(id));
  const [id] = longestTokens(vocabulary, 1);
  const merges = new MergeHistory(vocabulary).historyOf(id)
    .map(({ merge, left, right, id }) => ({ merge, left: quote(left), right: quote(right), token: quote(id) }));
  return { id, text: quote(id), bytes: vocabulary.tokens.byteLength(id), merges };
}

interface Report {
  readonly vocabSize: number;
  readonly inputs?: ReturnType<typeof describeInputs>;
  readonly bytes: number;
  readonly words: number;
  readonly seconds: Readonly<Record<"read" | "pretokenize" | "merge" | "write" | "total", number>>;
  readonly peakMemoryBytes: number;
  readonly longestToken: ReturnType<typeof describeLongest>;
  readonly out: string;
}

function formatReport({ vocabSize, bytes, words, seconds, peakMemoryBytes, longestToken, out }: Report): string {
  const s = (value: number) => `${value.toFixed(2)} s`;
  return [
    `Trained ${vocabSize} tokens on ${formatBytes(bytes)} in ${s(seconds.total)}: ${out}`,
    `  read ${s(seconds.read)}, pre-tokenize ${s(seconds.pretokenize)} (${words} words), merge ${
      s(seconds.merge)
    }, write ${s(seconds.write)}`,
    `  peak memory: ${formatBytes(peakMemoryBytes)}`,
    `  longest token: ${longestToken.text}, ${longestToken.bytes} bytes, id ${longestToken.id}, made by`,
    ...longestToken.merges.map(({ merge, left, right, token }) => `    merge ${merge}: ${left} + ${right} → ${token}`),
  ].join("\n");
}

if (import.meta.main) await runProgram(main);
