// Writes the text of token ids to stdout.
//   deno task decode --tokenizer out/tokenizer --input out/shakespeare.npy | head
import { UserError } from "./cli/errors.ts";
import { requireInputFile } from "./cli/files.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
import { writeOut } from "./cli/standard_output.ts";
import { openTokensOf } from "./cli/token_files.ts";
import { openTokenizer, PATTERN_FLAG, TOKENIZER_HELP } from "./cli/tokenizer.ts";

const HELP = `
Writes the text of token ids to stdout, byte for byte as it was encoded.

  deno task decode --tokenizer out/tokenizer --input out/shakespeare.npy

  ${TOKENIZER_HELP}
  --input FILE.npy    the ids: a file of any integer type, in one row or several, which are read one after the other; or
                      the index of shards that encode wrote, NAME.index.json
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
    using tokens = await openTokensOf(flags.input, { tokenizer, path: flags.tokenizer });
    if (tokens.length === 0) {
      throw new UserError(`Cannot decode ${flags.input}: it holds no token ids. Check how it was made`);
    }
    for (let at = 0; at < tokens.length; at += IDS_AT_A_TIME) {
      const bytes = tokenizer.decodeBytes(await tokens.read(at, Math.min(at + IDS_AT_A_TIME, tokens.length)));
      // Some tokenizers put a space before each text.
      const isSpaced = at === 0 && tokenizer.vocabulary.sentencePieces?.stripsSpace === true && bytes[0] === 0x20;
      await writeOut(isSpaced ? bytes.subarray(1) : bytes);
    }
  });
}

if (import.meta.main) await runProgram(main);
