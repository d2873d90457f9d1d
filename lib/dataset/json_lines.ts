// JSON Lines: a JSON object per line, one of whose fields is the text.
import { UserError } from "../errors.ts";

const NEWLINE = 0x0a;

/**
 * The lines of a byte stream, without their newlines; a last line without one counts, if it is not empty. Each is valid
 * until the next is asked for.
 */
export async function* byteLines(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let pending: Uint8Array[] = [];
  for await (const piece of pieces) {
    let from = 0;
    for (let at = piece.indexOf(NEWLINE); at >= 0; at = piece.indexOf(NEWLINE, from)) {
      yield joined(pending, piece.subarray(from, at));
      pending = [];
      from = at + 1;
    }
    if (from < piece.length) pending.push(piece.slice(from));
  }
  if (pending.length > 0) yield joined(pending, new Uint8Array(0));
}

/**
 * The texts in `field` of each line's object; empty lines are passed over.
 *
 * @param name What the data is called, for messages.
 * @throws {UserError} naming the line, if it is not a JSON object with a text in that field.
 */
export async function* jsonLinesField(
  pieces: AsyncIterable<Uint8Array>,
  field: string,
  name: string,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let number = 0;
  for await (const line of byteLines(pieces)) {
    number++;
    const json = decoder.decode(line);
    if (json.trim() === "") continue;
    const refuse = (got: string): never => {
      throw new UserError(
        `Cannot read ${name}, line ${number}: got ${got}, must be a JSON object with text in "${field}". Name the field with --field`,
      );
    };
    let value: unknown;
    try {
      value = JSON.parse(json);
    } catch (error) {
      refuse(`no JSON (${(error as Error).message})`);
    }
    const record = typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
    const text = Object.hasOwn(record, field) ? record[field] : undefined;
    if (typeof text !== "string") return refuse(`no text in "${field}"`);
    yield text;
  }
}

function joined(parts: readonly Uint8Array[], last: Uint8Array): Uint8Array {
  if (parts.length === 0) return last;
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, last.length));
  let at = 0;
  for (const part of [...parts, last]) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
