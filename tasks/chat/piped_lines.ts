// Lines from a pipe or a file.
import { byteLines } from "../../lib/corpus/json_lines.ts";
import { UserError } from "../cli/errors.ts";
import type { ReadLine } from "./turns.ts";

const NAME = "standard input";

/**
 * Reads the lines of a stream, without a line end of Windows.
 * @throws {UserError} Each call, if a line is not UTF-8: it could not stand in a conversation.
 */
export function pipedLines(stdin: AsyncIterable<Uint8Array>): ReadLine {
  const lines = byteLines(stdin, NAME);
  let number = 0;
  return async () => {
    const { done, value } = await lines.next();
    if (done) return undefined;
    number++;
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: number > 1 }).decode(value).replace(/\r$/, "");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new UserError(`Cannot read ${NAME}: got line ${number} that is not UTF-8, must be. Convert it first`);
    }
  };
}
