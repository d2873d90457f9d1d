// Trains a byte-level BPE tokenizer on text files.
//   deno task train-bpe --input data/shakespeare.txt --vocab-size 2000 --out out/tokenizer
import { writeDirectoryAtomically } from "../lib/io/atomic.ts";
import { saveTokenizer } from "../lib/tokenizer/tokenizer_dir.ts";
import { trainBpe } from "../lib/tokenizer/train_bpe.ts";
import { requireAbsent, requireInputFile } from "./cli/files.ts";
import { runTask } from "./cli/run.ts";

const HELP = `
Trains a byte-level BPE tokenizer on text files.

  deno task train-bpe --input data/shakespeare.txt --vocab-size 2000 --out out/tokenizer

  --input FILE        text to learn from; may be given several times
  --vocab-size N      number of tokens: special tokens, 256 bytes, and the merges
  --out DIR           new directory for tokenizer.json, vocab.json and merges.txt
  --special TOKEN     text that is always one token, and never part of another; may be given several times.
                      Default: <|endoftext|>
  --force             replace DIR if it exists
  --help              print this
`;

const TASK = {
  name: "train-bpe",
  help: HELP,
  flags: {
    input: { type: "strings", required: true },
    "vocab-size": { type: "integer", required: true },
    out: { type: "string", required: true },
    special: { type: "strings", default: ["<|endoftext|>"] },
    force: { type: "boolean" },
  },
} as const;

export function main(args: string[]): Promise<number> {
  return runTask(TASK, args, async (flags) => {
    let bytes = 0;
    for (const path of flags.input) bytes += await requireInputFile(path);
    await requireAbsent(flags.out, flags.force);
    const started = performance.now();
    const tokenizer = await trainBpe(flags.input.map((path) => ({ path })), {
      vocabSize: flags["vocab-size"],
      specialTokens: flags.special,
    });
    await writeDirectoryAtomically(flags.out, (dir) => saveTokenizer(tokenizer, dir), { replace: flags.force });
    const seconds = (performance.now() - started) / 1000;
    console.log(
      `Trained ${tokenizer.vocabSize} tokens on ${(bytes / 1e6).toFixed(1)} MB in ${
        seconds.toFixed(2)
      } s: ${flags.out}`,
    );
  });
}

if (import.meta.main) Deno.exit(await main(Deno.args));
