// Encodes text into token ids.
//   deno task encode --tokenizer out/tokenizer --input data/shakespeare.txt --out out/shakespeare.npy
import { formatCount } from "../lib/accounting/units.ts";
import { encodeParts, encodePartsToNpy, type EncodeProgress, wholeInputs } from "../lib/corpus/encode/encode_parts.ts";
import { encodeShards } from "../lib/corpus/encode/encode_shards.ts";
import { tokenDtype } from "../lib/dataset/npy_format.ts";
import { provenancePath } from "../lib/dataset/provenance.ts";
import { listShardFiles, shardName } from "../lib/dataset/shard_files.ts";
import type { ShardSize } from "../lib/corpus/encode/shard_plan.ts";
import type { TextInput } from "../lib/corpus/text_inputs.ts";
import type { Tokenizer } from "../lib/tokenizer/tokenizer.ts";
import { tokenizerFiles } from "../lib/formats/tokenizer_dir.ts";
import { DOCUMENT_SEPARATOR_FLAG, separatorTokens } from "./cli/document_separator.ts";
import { UsageError, UserError } from "./cli/errors.ts";
import type { Flags } from "./cli/flags.ts";
import { FIELD_FLAGS, FIELD_HELP, fieldOptions, requireField } from "./cli/field_flag.ts";
import { FILTER_FLAGS, FILTER_HELP } from "./cli/file_filter.ts";
import { untilInterrupted } from "./cli/interrupt.ts";
import {
  requireOutputFile,
  requireOutputName,
  requirePlainFile,
  requireSeparatePaths,
  requireWritable,
} from "./cli/output.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
import { formatBytes, parseSize } from "./cli/sizes.ts";
import { writeOut } from "./cli/standard_output.ts";
import { findInputs, warn } from "./cli/text_inputs.ts";
import { TextProgress } from "./cli/text_progress.ts";
import { openTokenizer, PATTERN_FLAG, requireTokenizer, TOKENIZER_HELP } from "./cli/tokenizer.ts";

const HELP = `
Encodes text into token ids.

  deno task encode --tokenizer out/tokenizer --input data/shakespeare.txt --out out/shakespeare.npy
  deno task encode --tokenizer out/tokenizer --input corpus/ --out out/train --shard-size 1GB
  zcat stories.gz | deno task encode --tokenizer out/tokenizer --input - --out - > ids.bin

  ${TOKENIZER_HELP}
  --input PATH...     the text: files, directories, or - for stdin. Gzip and zstd are decompressed; each line of a .jsonl
                      or .ndjson file, and each row of a Parquet file, is a text. No token spans two texts
  ${FILTER_HELP}
  ${FIELD_HELP}
  --separator TOKEN   special token to put after each text (file, or line of a .jsonl file). Default: none
  --document-separator TEXT  the text between documents: each becomes the token of --separator, or else <|endoftext|>.
                      '\\n-----\\n' is a line of five dashes
  --add-special       put the tokens around each text that the tokenizer's post_processor names, such as one for its
                      beginning. Default: none is added
  --specials-as-text  encode special tokens in the text like any other text
  --out FILE.npy      the ids: uint16, or uint32 if the tokenizer has more than 65,536; - writes them to stdout,
                      little-endian and without a header. With shards, the beginning of the file names.
                      FILE.npy.provenance.json beside each file records its tokenizer and text; other tasks refuse
                      the ids with a different tokenizer
  --shard-size SIZE   divide the text into shards of about this size (250MB, 1GiB): FILE-00000-of-00012.npy …, with
                      FILE.index.json. Run the same command again to make those that are missing
  --shard I/N         make only shard I of N (from 0): for several machines, or the tasks of a Slurm array
  --force             replace existing files
  --help              print this
`;

const TASK = {
  name: "encode",
  help: HELP,
  flags: {
    tokenizer: { type: "string", required: true },
    pattern: PATTERN_FLAG,
    input: { type: "strings", required: true, many: true },
    ...FILTER_FLAGS,
    ...FIELD_FLAGS,
    separator: { type: "string" },
    "document-separator": DOCUMENT_SEPARATOR_FLAG,
    "add-special": { type: "boolean" },
    "specials-as-text": { type: "boolean" },
    out: { type: "string", required: true },
    "shard-size": { type: "string" },
    shard: { type: "string" },
    force: { type: "boolean" },
  },
} as const;

type EncodeFlags = Flags<typeof TASK.flags>;

export function main(args: string[]): Promise<number> {
  return runTask(TASK, args, async (flags) => {
    const shards = shardsFrom(flags);
    const inputs = await findInputs(flags.input, {
      ...fieldOptions(flags),
      include: flags.include,
      exclude: flags.exclude,
    });
    requireField(flags.field, inputs);
    await requireTokenizer(flags.tokenizer);
    await requireOutput(flags, shards !== undefined, inputs);
    const tokenizer = await openTokenizer(flags.tokenizer, flags.pattern);
    if (flags["add-special"] && tokenizer.vocabulary.around === undefined) {
      throw new UserError(
        "Cannot add special tokens: the tokenizer names none to put around a text (a post_processor in its " +
          "tokenizer.json would). Leave out --add-special, or name a token with --separator",
      );
    }
    const started = performance.now();
    const done = await untilInterrupted((signal) => encode(tokenizer, inputs, flags, shards, signal));
    const seconds = (performance.now() - started) / 1000;
    const summary = done.tokens === 0
      ? `Nothing was left to encode: ${flags.out}`
      : `Encoded ${formatBytes(done.bytes)} as ${formatCount(done.tokens)} tokens of ${
        (done.bytes / done.tokens).toFixed(2)
      } bytes in ${seconds.toFixed(2)} s (${(done.bytes / 1e6 / seconds).toFixed(1)} MB/s): ${flags.out}`;
    if (flags.out === "-") console.error(`${summary} (${tokenDtype(tokenizer.vocabSize)}, little-endian)`);
    else console.log(summary);
  });
}

async function encode(
  tokenizer: Tokenizer,
  inputs: readonly TextInput[],
  flags: EncodeFlags,
  shards: { readonly size: ShardSize; readonly only?: number } | undefined,
  signal: AbortSignal,
): Promise<EncodeProgress> {
  const totals = inputs.map(({ bytes }) => bytes);
  using progress = new TextProgress(
    totals.includes(undefined) ? undefined : totals.reduce<number>((sum, n) => sum + n!, 0),
  );
  let done: EncodeProgress = { storedBytes: 0, bytes: 0, tokens: 0 };
  const options = {
    field: flags.field,
    tokenizerName: flags.tokenizer,
    ...separatorTokens("encode", flags.tokenizer, tokenizer, flags),
    ...(flags["add-special"] && { addSpecial: true }),
    specials: flags["specials-as-text"] ? "text" : "special",
    stdin: Deno.stdin.readable,
    signal,
    onWarning: warn,
    onProgress: (now: EncodeProgress) => progress.update(done = now),
  } as const;
  if (shards !== undefined) {
    const prefix = shardPrefix(flags.out);
    const onShard = (name: string, tokens: number, isNew: boolean) =>
      console.error(`${name}: ${tokens} tokens${isNew ? "" : ", already there"}`);
    await encodeShards(tokenizer, inputs, prefix, { ...options, ...shards, replace: flags.force, onShard });
    return done;
  }
  if (flags.out === "-") {
    const narrow = tokenDtype(tokenizer.vocabSize) === "uint16";
    for await (const ids of encodeParts(tokenizer, wholeInputs(inputs), options)) {
      const stored = narrow ? Uint16Array.from(ids) : ids;
      await writeOut(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength));
    }
    return done;
  }
  return await encodePartsToNpy(tokenizer, wholeInputs(inputs), flags.out, { ...options, replace: flags.force });
}

async function requireOutput(
  { out, force, tokenizer }: EncodeFlags,
  isSharded: boolean,
  inputs: readonly TextInput[],
): Promise<void> {
  if (out === "-") return;
  const read = [...inputs.map(({ path }) => path), ...await tokenizerFiles(tokenizer)];
  if (!isSharded) {
    // Both are checked before anything is done.
    for (const path of [out, provenancePath(out)]) await requireOutputFile(path, { force, inputs: read });
    return;
  }
  requireOutputName(out);
  const prefix = shardPrefix(out);
  const there = await listShardFiles(prefix);
  for (const path of there) await requirePlainFile(path);
  // Existing shards are continued or, with --force, replaced.
  await requireSeparatePaths(there, read);
  await requireWritable(provenancePath(shardName(prefix, 0, 1)));
}

/** The beginning of the shards' names. */
function shardPrefix(out: string): string {
  return out.replace(/\.npy$/, "");
}

function shardsFrom(flags: EncodeFlags): { readonly size: ShardSize; readonly only?: number } | undefined {
  const { shard, out } = flags;
  const shardSize = flags["shard-size"];
  const fail = (got: string, mustBe: string): never => {
    throw new UsageError(`Cannot run encode: got ${got}, must be ${mustBe}. See: deno task encode --help`);
  };
  if (shard !== undefined && shardSize !== undefined) fail("--shard and --shard-size", "only one of them");
  if ((shard ?? shardSize) === undefined) return undefined;
  if (out === "-") fail("shards with --out -", "the beginning of the files' names");
  if (shardSize !== undefined) return { size: { shardBytes: parseSize("encode", "shard-size", shardSize) } };
  const match = /^(\d+)\/(\d+)$/.exec(shard!);
  const [only, numShards] = match === null ? [NaN, NaN] : [Number(match[1]), Number(match[2])];
  if (!(only < numShards && numShards <= 99_999)) fail(`--shard ${shard}`, "I/N with I from 0 to N - 1, such as 3/12");
  return { size: { numShards }, only };
}

if (import.meta.main) await runProgram(main);
