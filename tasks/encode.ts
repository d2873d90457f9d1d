// Encodes a text file into token ids.
//   deno task encode --tokenizer out/tokenizer --input data/shakespeare.txt --out out/shakespeare.npy
import { encodeFile } from "../lib/dataset/encode_file.ts";
import { loadTokenizer } from "../lib/tokenizer/tokenizer_dir.ts";
import { requireAbsent, requireDirectory, requireInputFile } from "./cli/files.ts";
import { runTask } from "./cli/run.ts";

const HELP = `
Encodes a text file into token ids.

  deno task encode --tokenizer out/tokenizer --input data/shakespeare.txt --out out/shakespeare.npy

  --tokenizer DIR     directory with tokenizer.json, or vocab.json and merges.txt
  --input FILE        the text
  --out FILE.npy      the ids: uint16, or uint32 if the tokenizer has more than 65,536
  --force             replace FILE.npy if it exists
  --help              print this
`;

const TASK = {
  name: "encode",
  help: HELP,
  flags: {
    tokenizer: { type: "string", required: true },
    input: { type: "string", required: true },
    out: { type: "string", required: true },
    force: { type: "boolean" },
  },
} as const;

export function main(args: string[]): Promise<number> {
  return runTask(TASK, args, async (flags) => {
    await requireInputFile(flags.input);
    await requireDirectory(flags.tokenizer);
    await requireAbsent(flags.out, flags.force);
    const started = performance.now();
    const { bytes, tokens } = await encodeFile(await loadTokenizer(flags.tokenizer), flags.input, flags.out);
    const seconds = (performance.now() - started) / 1000;
    const megabytes = bytes / 1e6;
    console.log(
      `Encoded ${megabytes.toFixed(1)} MB into ${tokens} tokens (${(bytes / tokens).toFixed(2)} bytes each) in ${
        seconds.toFixed(2)
      } s, ${(megabytes / seconds).toFixed(1)} MB/s: ${flags.out}`,
    );
  });
}

if (import.meta.main) Deno.exit(await main(Deno.args));
