// Streams bytes that should be text: decompresses them if they are compressed, refuses them if they are something else.
import { UserError } from "../errors.ts";
import { gunzip } from "../io/gunzip.ts";
import { type Examined, EXAMINED_BYTES, type ExaminedText, examineText } from "./text_format.ts";

/** Options for reading a stream of text. */
export interface TextBytesOptions {
  /** Called with what is unusual about the text; it is read anyway. */
  readonly onWarning?: (message: string) => void;
}

/**
 * The text of a stream, decompressed if it is gzip.
 *
 * @param source Pieces whose memory is not reused.
 * @param name The stream's name, for messages.
 * @throws {UserError} If it is not text, or damaged.
 */
export async function* textBytes(
  source: AsyncIterable<Uint8Array>,
  name: string,
  options: TextBytesOptions = {},
): AsyncGenerator<Uint8Array> {
  const examined = new ExaminedStream(source);
  try {
    const seen = await examined.examine();
    if (seen.kind === "gzip") {
      yield* unpackedText(gunzip(examined.bytes(), name), name, options);
    } else {
      requireText(seen, name);
      tellOddities(seen, name, options);
      yield* examined.bytes();
    }
  } finally {
    await examined.close();
  }
}

async function* unpackedText(
  source: AsyncIterable<Uint8Array>,
  name: string,
  options: TextBytesOptions,
): AsyncGenerator<Uint8Array> {
  const examined = new ExaminedStream(source);
  try {
    const seen = await examined.examine();
    requireText(seen, name, " inside gzip data");
    tellOddities(seen, name, options);
    yield* examined.bytes();
  } finally {
    await examined.close();
  }
}

/** @throws {UserError} If bytes that were examined are not text. */
export function requireText(examined: Examined, name: string, where = ""): asserts examined is ExaminedText {
  if (examined.kind === "text") return;
  const { format, nextStep } = examined.kind === "gzip"
    ? { format: "gzip data", nextStep: "Unpack it first, with gzip -d" }
    : examined;
  throw new UserError(`Cannot read ${name}: got ${format}${where}, must be text in UTF-8. ${nextStep}`);
}

/** @throws {UserError} At the end of an empty stream. */
export async function* nonEmpty(source: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  let isEmpty = true;
  for await (const piece of source) {
    if (piece.length > 0) isEmpty = false;
    yield piece;
  }
  if (isEmpty) {
    throw new UserError(`Cannot read ${name}: got nothing, must hold at least one byte of text. Check how it was made`);
  }
}

function tellOddities(examined: ExaminedText, name: string, { onWarning }: TextBytesOptions): void {
  if (!examined.isUtf8) onWarning?.(`${name} is not UTF-8; its bytes are kept as they are`);
  if (examined.hasByteOrderMark) onWarning?.(`${name} starts with a byte order mark, which stays part of the text`);
}

/** A stream whose first bytes are examined before any are passed on. */
class ExaminedStream {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #first: Uint8Array[] = [];
  #isDone = false;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async examine(): Promise<Examined> {
    let length = 0;
    while (length < EXAMINED_BYTES) {
      const piece = await this.#next();
      if (piece === undefined) break;
      this.#first.push(piece);
      length += piece.length;
    }
    const head = new Uint8Array(Math.min(length, EXAMINED_BYTES));
    let at = 0;
    for (const piece of this.#first) {
      const part = piece.subarray(0, head.length - at);
      head.set(part, at);
      at += part.length;
    }
    return examineText(head);
  }

  /** All bytes, including those that were examined. Can be read only once. */
  async *bytes(): AsyncGenerator<Uint8Array> {
    yield* this.#first.splice(0);
    for (let piece = await this.#next(); piece !== undefined; piece = await this.#next()) yield piece;
  }

  /** Closes the source if it has not ended. */
  async close(): Promise<void> {
    if (!this.#isDone) await this.#source.return?.();
  }

  async #next(): Promise<Uint8Array | undefined> {
    const { done, value } = await this.#source.next();
    if (done) this.#isDone = true;
    return done ? undefined : value;
  }
}
