// JSON Lines files whose lines hold more than a text.
import { byteLines } from "../../lib/corpus/json_lines.ts";
import { parseJsonText } from "../../lib/io/json_fields.ts";
import { UserError } from "./errors.ts";

/** What a line holds. */
export interface JsonLine {
  /** Where it is from, for messages: `line 3 of chats.jsonl`. */
  readonly name: string;
  readonly value: unknown;
}

/**
 * The values of a file's lines; empty lines are skipped.
 * @throws {UserError} If a line is not UTF-8, not JSON or too long.
 */
export async function* readJsonLines(path: string): AsyncGenerator<JsonLine> {
  using file = await Deno.open(path);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let number = 0;
  for await (const line of byteLines(file.readable, path)) {
    const name = `line ${++number} of ${path}`;
    const source = { name, nextStep: "Fix or remove the line" };
    let json: string;
    try {
      json = decoder.decode(line);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new UserError(`Cannot read ${name}: got bytes that are not UTF-8. ${source.nextStep}`);
    }
    if (json.trim() !== "") yield { name, value: parseJsonText(json, source) };
  }
}
