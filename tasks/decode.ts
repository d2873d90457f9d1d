// Writes the text of token ids to stdout.
//   deno task decode --tokenizer out/tokenizer --input out/shakespeare.npy | head
import { NpyReader } from "../lib/dataset/npy_file.ts";
import { requireInputFile } from "./cli/files.ts";
import { runTask } from "./cli/run.ts";
import { openTokenizer, PATTERN_FLAG, TOKENIZER_HELP } from "./cli/tokenizer.ts";

const HELP = `
Writes the text of token ids to stdout, byte for byte as it was encoded.

  deno task decode --tokenizer out/tokenizer --input out/shakespeare.npy

  ${TOKENIZER_HELP}
  --input FILE.npy    the ids
  --help              print this
`;

const TASK = {
  name: "decode",
  help: HELP,
  flags: {
    tokenizer: { type: "string", required: true },
    pattern: PATTERN_FLAG,
    input: { type: "string", required: true },
  },
} as const;

const IDS_AT_A_TIME = 1 << 18;

export function main(args: string[]): Promise<number> {
  return runTask(TASK, args, async (flags) => {
    await requireInputFile(flags.input);
    const tokenizer = await openTokenizer(flags.tokenizer, flags.pattern);
    using reader = await NpyReader.open(flags.input);
    const out = Deno.stdout.writable.getWriter();
    for (let at = 0; at < reader.length; at += IDS_AT_A_TIME) {
      await out.write(tokenizer.decodeBytes(await reader.read(at, Math.min(at + IDS_AT_A_TIME, reader.length))));
    }
  });
}

if (import.meta.main) Deno.exit(await main(Deno.args));
