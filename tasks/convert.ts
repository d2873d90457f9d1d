// Writes token ids in another format.
//   deno task convert --from train.bin --out train.npy --tokenizer out/tokenizer
import { convertTokens, TOKEN_FORMATS, type TokenFormat } from "../lib/dataset/token_files/convert_tokens.ts";
import { openTokenFile, RAW_FORMATS, type RawFormat } from "../lib/dataset/token_files/open_token_file.ts";
import type { TokenStream } from "../lib/dataset/token_files/token_stream.ts";
import { provenancePath } from "../lib/dataset/provenance.ts";
import { tokenizerFiles } from "../lib/formats/tokenizer_dir.ts";
import { UsageError } from "./cli/errors.ts";
import { requireInputFile } from "./cli/files.ts";
import { untilInterrupted } from "./cli/interrupt.ts";
import { requireOutputFile } from "./cli/output.ts";
import { runProgram } from "./cli/program.ts";
import { startProgress } from "./cli/progress.ts";
import { runTask } from "./cli/run.ts";
import { shown } from "./cli/shown.ts";
import { openTokenizer, PATTERN_FLAG, PATTERN_HELP } from "./cli/tokenizer.ts";

const HELP = `
Writes token ids in another format: NumPy's .npy, nanoGPT's .bin, llm.c's .bin. Memory stays small, whatever the size.

  deno task convert --from train.bin --out out/train.npy --tokenizer out/tokenizer
  deno task convert --from out/train.npy --out train.bin --format llmc

  --from FILE         the ids: .npy of any type of whole numbers, .npz, llm.c's .bin, nanoGPT's .bin (uint16 without a
                      header), or the index of shards that encode wrote. All but the last two are known by their first
                      bytes
  --from-format NAME  what FILE is if it has no header: nanogpt, or uint32. Default: nanogpt, if nothing speaks against it
  --array NAME        the array of an .npz with several
  --out FILE          the new file. FILE.provenance.json beside it records the ids' tokenizer and text, if they are known
  --format NAME       npy, nanogpt, llmc, or uint32 (without a header). Default: npy for .npy, nanogpt for .bin
  --tokenizer PATH    the tokenizer that the ids were made with: each must be one of its tokens, and it is recorded, so
                      that other tasks refuse the ids with another
  ${PATTERN_HELP}
  --force             replace existing files
  --help              print this
`;

const TASK = {
  name: "convert",
  help: HELP,
  flags: {
    from: { type: "string", required: true },
    "from-format": { type: "string", choices: Object.keys(RAW_FORMATS) as RawFormat[] },
    array: { type: "string" },
    out: { type: "string", required: true },
    format: { type: "string", choices: TOKEN_FORMATS },
    tokenizer: { type: "string" },
    pattern: PATTERN_FLAG,
    force: { type: "boolean" },
  },
} as const;

export function main(args: string[]): Promise<number> {
  return runTask(TASK, args, async (flags) => {
    const { from, out, force, array } = flags;
    const format = flags.format ?? formatOf(out);
    await requireInputFile(from);
    const read = [
      from,
      provenancePath(from),
      ...flags.tokenizer === undefined ? [] : await tokenizerFiles(flags.tokenizer),
    ];
    for (const path of [out, provenancePath(out)]) await requireOutputFile(path, { force, inputs: read });
    const tokenizer = flags.tokenizer === undefined ? undefined : await openTokenizer(flags.tokenizer, flags.pattern);
    using tokens = await openTokenFile(from, { fromFormat: flags["from-format"], array });
    tellSource(tokens, flags["from-format"] !== undefined);
    const progress = startProgress(2 * tokens.length, "{done}% [{bar}]", { done: "0" });
    try {
      const { dtype } = await untilInterrupted((signal) =>
        convertTokens(tokens, out, format, {
          tokenizer,
          tokenizerName: flags.tokenizer,
          replace: force,
          signal,
          onProgress: (ids) => progress.update(ids, { done: String(Math.floor(50 * ids / tokens.length)) }),
        })
      );
      progress.stop();
      console.log(`Wrote ${tokens.length} ids as ${describeFormat(format, dtype)}: ${out}`);
    } finally {
      progress.stop();
    }
  });
}

function formatOf(out: string): TokenFormat {
  if (out.endsWith(".npy")) return "npy";
  if (out.endsWith(".bin")) return "nanogpt";
  throw new UsageError(
    `Cannot write ${
      shown(out)
    }: got a name that does not tell the format, must end in .npy or .bin. Say it with --format`,
  );
}

/** Says what nothing in the file tells. */
function tellSource({ name, format, shape }: TokenStream, isSaid: boolean): void {
  if (format.endsWith("without a header") && !isSaid) {
    console.error(
      `warning: ${name} has no header; it is taken for nanoGPT's, uint16. If it is not: --from-format`,
    );
  }
  if (shape.length > 1) {
    console.error(
      `warning: ${name} has ${shape[0]} rows of ${shape[1]} ids; they are read one after the other, as one row`,
    );
  }
}

function describeFormat(format: TokenFormat, dtype: string): string {
  if (format === "npy") return `.npy (${dtype})`;
  return format === "llmc" ? `llm.c's .bin (${dtype})` : `${dtype} without a header`;
}

if (import.meta.main) await runProgram(main);
