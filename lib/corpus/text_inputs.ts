// Reads inputs as texts: files or standard input, compressed or not, plain text, JSON Lines or tables.
import { UserError } from "../errors.ts";
import { abortable } from "../io/abortable.ts";
import { requireUnchanged, stampFiles } from "../io/file_stamp.ts";
import type { Texts } from "./texts.ts";
import type { TextSource } from "./text_source.ts";
import { jsonLinesField } from "./json_lines.ts";
import { nonEmpty, textBytes } from "./text_bytes.ts";

/** Stands for standard input where a path is expected. */
export const STDIN = "-";

/** One input: a file or standard input. */
export interface TextInput {
  /** Its path, or `-`. */
  readonly path: string;
  /** Size in bytes as stored; absent if it is not known beforehand. */
  readonly bytes?: number;
  /** Whether it is known to be gzip data. Whether a stream of unknown size is, shows only when it is read. */
  readonly isGzip: boolean;
  /** How else it is known to be stored, if its bytes are neither the text nor JSON Lines; absent for those. */
  readonly storage?: "zstd" | "UTF-16" | "Parquet";
  /** Whether it has one text per line, in a field of a JSON object. */
  readonly isJsonLines: boolean;
  /** Whether it may have no text, because nobody named it. Default: no. */
  readonly mayBeEmpty?: boolean;
  /** Reads its texts, if that takes more than this library: a table's. */
  readonly readTable?: TableReader;
}

/** Options for reading a table. */
export interface TableOptions extends Pick<ReadTextOptions, "signal" | "onRead"> {
  /** The column with the text. */
  readonly field: string;
}

/**
 * Reads the texts in one column of a file, in order, as strings or as bytes that were checked to be UTF-8.
 * @throws {UserError} If there is no such column, it has no text, or the file is damaged.
 */
export type TableReader = (path: string, options: TableOptions) => AsyncIterable<string | Uint8Array>;

/** Options for reading inputs. */
export interface ReadTextOptions {
  /** Field of each JSON Lines object that holds the text. Default: `text`. */
  readonly field?: string;
  /** What to read for `-`. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** The bytes of the file to read, as stored: `[start, end)`. Default: all. */
  readonly range?: { readonly start: number; readonly end: number };
  /** Stops reading, with the signal's reason, even if it is waiting, for example for a pipe that nobody writes to. */
  readonly signal?: AbortSignal;
  /** Called with the number of bytes read, as stored. Not called for whole plain files. */
  readonly onRead?: (bytes: number) => void;
  /** Called with what is unusual about a stream, or about texts in JSON Lines; they are read anyway. */
  readonly onWarning?: (message: string) => void;
}

/**
 * The text or texts of an input. A plain file stays `{ path }`, so that several threads can read it; it is not watched.
 * For others, reading fails if somebody writes to the file meanwhile.
 */
export function textSourceOf(input: TextInput, options: ReadTextOptions = {}): TextSource | Texts {
  const { range, field = "text", onWarning } = options;
  if (isPlainFile(input) && range === undefined) return { path: input.path };
  const name = nameOf(input);
  if (input.readTable !== undefined) return { texts: tableTexts(input, input.readTable, { ...options, field }) };
  const stored = watched(storedBytes(input, options), options);
  if (range !== undefined) {
    return input.isJsonLines ? { texts: jsonLinesField(stored, field, name, { mayBeEmpty: true, onWarning }) } : stored;
  }
  // Anything unusual about a file was reported when it was found.
  const unpacked = textBytes(stored, name, input.bytes === undefined ? { onWarning, isTable: input.isJsonLines } : {});
  const { mayBeEmpty = false } = input;
  const text = mayBeEmpty ? unpacked : nonEmpty(unpacked, name);
  return input.isJsonLines ? { texts: jsonLinesField(text, field, name, { mayBeEmpty, onWarning }) } : text;
}

/** Whether the input's text is simply a file, which can be read in parts. */
export function isPlainFile(input: TextInput): boolean {
  return input.bytes !== undefined && isStoredPlainly(input) && !input.isJsonLines;
}

/** Whether the input's bytes are those of the text, or of JSON Lines: then a file of them can be cut. */
export function isStoredPlainly({ isGzip, storage }: TextInput): boolean {
  return !isGzip && storage === undefined;
}

/** Whether the input has many texts, each in a field. */
export function hasFields({ isJsonLines, storage }: TextInput): boolean {
  return isJsonLines || storage === "Parquet";
}

/** An input's name in messages. */
export function nameOf({ path }: TextInput): string {
  return path === STDIN ? "standard input" : path;
}

async function* tableTexts(
  input: TextInput,
  readTable: TableReader,
  { field, signal, onRead }: TableOptions,
): AsyncGenerator<string | Uint8Array> {
  const stamps = stampFiles([input]);
  let isEmpty = true;
  for await (const text of readTable(input.path, { field, signal, onRead })) {
    if (text.length > 0) isEmpty = false;
    yield text;
  }
  requireUnchanged(stamps);
  if (isEmpty && !input.mayBeEmpty) {
    throw new UserError(
      `Cannot read ${input.path}: got no text in any of its rows, must be some. Check how it was made`,
    );
  }
}

async function* storedBytes(input: TextInput, { stdin, range }: ReadTextOptions): AsyncGenerator<Uint8Array> {
  const { path } = input;
  const stamps = path === STDIN ? [] : stampFiles([input]);
  if (range !== undefined) {
    yield* fileRange(path, range.start, range.end);
  } else if (path !== STDIN) {
    yield* (await Deno.open(path, { read: true })).readable;
  } else if (stdin === undefined) {
    throw new UserError("Cannot read standard input: there is none. Name a file");
  } else {
    yield* stdin;
  }
  requireUnchanged(stamps);
}

const PIECE_BYTES = 1 << 20;

async function* fileRange(path: string, start: number, end: number): AsyncGenerator<Uint8Array> {
  using file = await Deno.open(path, { read: true });
  await file.seek(start, Deno.SeekMode.Start);
  while (start < end) {
    const piece = new Uint8Array(Math.min(PIECE_BYTES, end - start));
    const count = await file.read(piece);
    if (count === null) {
      throw new UserError(
        `Cannot read ${path}: it ended at byte ${start}, must go on to ${end}. Try again when nothing is writing to it`,
      );
    }
    start += count;
    yield piece.subarray(0, count);
  }
}

async function* watched(
  source: AsyncIterable<Uint8Array>,
  { signal, onRead }: ReadTextOptions,
): AsyncGenerator<Uint8Array> {
  for await (const piece of signal === undefined ? source : abortable(source, signal)) {
    onRead?.(piece.length);
    yield piece;
  }
}
