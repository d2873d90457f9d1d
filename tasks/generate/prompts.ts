// What generate is to continue, from standard input: bytes as they come, which need not be UTF-8.
import { toBytes } from "@std/streams";
import { isUtf8 } from "node:buffer";
import { byteLines } from "../../lib/corpus/json_lines.ts";
import { textBytes } from "../../lib/corpus/text_bytes.ts";
import { UserError } from "../cli/errors.ts";
import { warn } from "../cli/text_inputs.ts";

const NAME = "standard input";

/**
 * All of a stream, without the line end at its end.
 * @throws {UserError} If that leaves nothing, or it is not text.
 */
export async function readPrompt(stdin: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const prompt = await toBytes(ReadableStream.from(textBytes(stdin, NAME, { onWarning: warn, isTable: true })));
  const line = prompt.at(-1) === NEWLINE ? withoutReturn(prompt.subarray(0, -1)) : prompt;
  if (line.length > 0) return line;
  throw new UserError(
    "Cannot generate: got an empty prompt from stdin, must be some text. Leave --prompt out for none",
  );
}

/**
 * The lines of a stream up to the first empty one. Each is valid until the next is asked for.
 * @param ask Called before each is waited for.
 */
export async function* typedLines(stdin: AsyncIterable<Uint8Array>, ask: () => void): AsyncGenerator<Uint8Array> {
  let number = 0;
  ask();
  for await (const bytes of byteLines(stdin, NAME)) {
    const line = withoutReturn(bytes);
    if (line.length === 0) return;
    number++;
    if (!isUtf8(line)) warn(`${NAME}, line ${number}, is not UTF-8; its bytes are kept as they are`);
    yield line;
    ask();
  }
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** A line without what Windows puts before its newline. */
function withoutReturn(line: Uint8Array): Uint8Array {
  return line.at(-1) === RETURN ? line.subarray(0, -1) : line;
}
