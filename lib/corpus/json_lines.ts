// JSON Lines: one JSON object per line, with the text in one of its fields.
import { option, say, UserError, type Wording } from "../errors.ts";
import { isJsonObject, parseJsonText } from "../io/json_fields.ts";
import { excerpt } from "../io/excerpt.ts";

const NEWLINE = 0x0a;

/** The longest line that is read. A line is held whole, as bytes and as text. */
export const MAX_LINE_BYTES: number = 64 << 20;

/** Options for reading lines. */
export interface LineOptions {
  /** The most bytes in a line. Default: {@linkcode MAX_LINE_BYTES}. */
  readonly maxLineBytes?: number;
}

/**
 * The lines of a byte stream, without their newlines; a last line without one counts, if it is not empty. Each is valid
 * until the next is asked for.
 *
 * @param name What the data is called, for messages.
 * @throws {UserError} If a line is too long, naming it.
 */
export async function* byteLines(
  pieces: AsyncIterable<Uint8Array>,
  name: string,
  { maxLineBytes = MAX_LINE_BYTES }: LineOptions = {},
): AsyncGenerator<Uint8Array> {
  let pending: Uint8Array[] = [];
  let length = 0, number = 1;
  const extend = (count: number) => {
    length += count;
    if (length <= maxLineBytes) return;
    throw new UserError(
      `Cannot read ${name}, line ${number}: got more than ${maxLineBytes} bytes without a line end, must be at most that many. Split its text into several lines`,
    );
  };
  for await (const piece of pieces) {
    let from = 0;
    for (let at = piece.indexOf(NEWLINE); at >= 0; at = piece.indexOf(NEWLINE, from)) {
      extend(at - from);
      yield joined(pending, length, piece.subarray(from, at));
      pending = [];
      length = 0;
      number++;
      from = at + 1;
    }
    if (from === piece.length) continue;
    extend(piece.length - from);
    pending.push(piece.slice(from));
  }
  if (pending.length > 0) yield joined(pending, length, new Uint8Array(0));
}

/** Options for reading texts from lines. */
export interface JsonLinesOptions extends LineOptions {
  /** Whether all texts together may be empty. Default: no. */
  readonly mayBeEmpty?: boolean;
  /**
   * Called once if texts have half a surrogate pair, which JSON can escape but UTF-8 cannot hold: it becomes U+FFFD.
   */
  readonly onWarning?: (message: string) => void;
}

/**
 * The texts in `field` of each line's object; empty lines are skipped. Only fields of the object itself count, not
 * those of objects in it. If a field occurs twice, the last one counts, as always in JSON. A line may start with a byte
 * order mark.
 *
 * @param name What the data is called, for messages.
 * @throws {UserError} If a line is not UTF-8, too long, or not a JSON object with a string in that field, naming the
 *   line and the fields that it has; or if all texts together are empty, unless `mayBeEmpty`.
 */
export async function* jsonLinesField(
  pieces: AsyncIterable<Uint8Array>,
  field: string,
  name: string,
  options: JsonLinesOptions = {},
): AsyncGenerator<string> {
  // Otherwise bytes that are not UTF-8 would silently become U+FFFD.
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let number = 0, isEmpty = true, isWellFormed = true;
  for await (const line of byteLines(pieces, name, options)) {
    number++;
    const source = { name: `${name}, line ${number}`, nextStep: "Fix or remove the line" };
    let json: string;
    try {
      json = decoder.decode(line);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new UserError(`Cannot read ${source.name}: got bytes that are not UTF-8. ${source.nextStep}`);
    }
    if (json.trim() === "") continue;
    const value = parseJsonText(json, source);
    const text = isJsonObject(value) && Object.hasOwn(value, field) ? value[field] : undefined;
    if (typeof text !== "string") {
      throw new UserError(
        say`Cannot read ${source.name}: got no text in ${excerpt(field)}. ${otherFields(value)}`,
      );
    }
    if (text !== "") isEmpty = false;
    if (isWellFormed && !text.isWellFormed()) {
      isWellFormed = false;
      options.onWarning?.(`${name} has lone surrogates in its texts: each becomes U+FFFD`);
    }
    yield text;
  }
  if (isEmpty && options.mayBeEmpty !== true) {
    throw new UserError(
      `Cannot read ${name}: none of its ${number} lines has text. Check how it was made`,
    );
  }
}

/** Fields of a line that are named at most. */
const MAX_FIELDS = 8;

/** What to do about a line without text in the field that was asked for: the fields that it has, those with text first. */
function otherFields(value: unknown): Wording {
  if (!isJsonObject(value)) return say`Each line must be one object`;
  const names = Object.keys(value);
  if (names.length === 0) return say`It has no fields: fix or remove the line`;
  const texts = names.filter((name) => typeof value[name] === "string");
  if (texts.length === 0) {
    return say`None of its fields has text: ${listed(names, MAX_FIELDS)}. Fix or remove the line`;
  }
  const others = names.filter((name) => typeof value[name] !== "string");
  const rest = others.length === 0 || texts.length >= MAX_FIELDS
    ? ""
    : `; others are ${listed(others, MAX_FIELDS - texts.length)}`;
  return say`Name the ${option("field")} that has it; fields with text are ${listed(texts, MAX_FIELDS)}${rest}`;
}

function listed(names: readonly string[], max: number): string {
  const more = names.length > max ? ` and ${names.length - max} more` : "";
  return names.slice(0, max).map((name) => excerpt(name)).join(", ") + more;
}

function joined(parts: readonly Uint8Array[], length: number, last: Uint8Array): Uint8Array {
  if (parts.length === 0) return last;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  bytes.set(last, at);
  return bytes;
}
