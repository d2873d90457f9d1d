// Streams bytes that should be text: decompresses them if they are compressed, refuses them if they are something else.
import { UserError } from "../errors.ts";
import { gunzip } from "../io/gunzip.ts";
import { unzstd } from "../io/unzstd.ts";
import { type Examined, EXAMINED_BYTES, type ExaminedText, examineText, type Packing } from "./text_format.ts";
import { toUtf8 } from "./wide_text.ts";

/** Options for reading a stream of text. */
export interface TextBytesOptions {
  /** Called with what is unusual about the text; it is read anyway. */
  readonly onWarning?: (message: string) => void;
  /** Whether the text may look like a table, because its rows are read or it is what somebody typed; default: no. */
  readonly isTable?: boolean;
}

/**
 * The text of a stream: decompressed if it is gzip or zstd, in UTF-8 if it is UTF-16 with a byte order mark.
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
    if (isPacked(seen)) yield* unpackedText(unpack(seen.kind, examined.bytes(), name), name, seen.kind, options);
    else yield* text(examined, seen, name, "", options);
  } finally {
    await examined.close();
  }
}

async function* unpackedText(
  source: AsyncIterable<Uint8Array>,
  name: string,
  packing: Packing,
  options: TextBytesOptions,
): AsyncGenerator<Uint8Array> {
  const examined = new ExaminedStream(source);
  try {
    yield* text(examined, await examined.examine(), name, inside(packing), options);
  } finally {
    await examined.close();
  }
}

async function* text(
  stream: ExaminedStream,
  seen: Examined,
  name: string,
  where: string,
  options: TextBytesOptions,
): AsyncGenerator<Uint8Array> {
  requireText(seen, name, where);
  tellOddities(seen, name, options);
  yield* seen.encoding === undefined ? stream.bytes() : toUtf8(stream.bytes(), seen.encoding, name);
}

/** Whether bytes that were examined are packed data that can be unpacked. */
export function isPacked(examined: Examined): examined is { readonly kind: Packing } {
  return examined.kind === "gzip" || examined.kind === "zstd";
}

/** Decompresses packed data. */
export function unpack(packing: Packing, source: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  return packing === "gzip" ? gunzip(source, name) : unzstd(source, name);
}

/** Where something is that is packed, for messages. */
export function inside(packing: Packing): string {
  return ` inside ${packing} data`;
}

/** @throws {UserError} If bytes that were examined are not text. */
export function requireText(examined: Examined, name: string, where = ""): asserts examined is ExaminedText {
  if (examined.kind === "text") return;
  const { format, nextStep } = isPacked(examined)
    ? {
      format: `${examined.kind} data`,
      nextStep: `Unpack it first, with ${examined.kind === "gzip" ? "gzip -d" : "zstd -d"}`,
    }
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

function tellOddities(examined: ExaminedText, name: string, { onWarning, isTable }: TextBytesOptions): void {
  if (!examined.isUtf8) onWarning?.(`${name} is not UTF-8; its bytes are kept as they are`);
  if (examined.hasByteOrderMark) onWarning?.(`${name} starts with a byte order mark, which stays part of the text`);
  if (examined.structure !== undefined && !isTable) {
    onWarning?.(`${name} looks like ${examined.structure}; it is read as plain text, names and brackets included`);
  }
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
