// Inputs (files, standard input; packed or not; plain text or JSON Lines) as texts.
import { UserError } from "../errors.ts";
import { abortable } from "../io/abortable.ts";
import { requireUnchanged, stampFiles } from "../io/file_stamp.ts";
import type { Texts } from "./texts.ts";
import type { TextSource } from "./text_source.ts";
import { jsonLinesField } from "./json_lines.ts";
import { nonEmpty, textBytes } from "./text_bytes.ts";

/** Name of standard input where a path is expected. */
export const STDIN = "-";

/** One input: a file or standard input. */
export interface TextInput {
  /** Its path, or `-`. */
  readonly path: string;
  /** Size in bytes as stored; `null` where it is not known beforehand. */
  readonly bytes: number | null;
  /** Whether it is known to be packed. A stream of unknown size may be: that shows as it is read. */
  readonly isGzip: boolean;
  /** Whether it holds a text per line, in a field of a JSON object. */
  readonly isJsonLines: boolean;
  /** Whether it may turn out to have no text in it: nobody named it. Default: no. */
  readonly mayBeEmpty?: boolean;
}

/** How inputs are read. */
export interface ReadTextOptions {
  /** Field of each JSON Lines object that holds the text. Default: `text`. */
  readonly field?: string;
  /** What `-` stands for. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Only these bytes of the file, as stored: `[start, end)`. Default: all. */
  readonly range?: { readonly start: number; readonly end: number };
  /** Stops reading, with its reason; also where it waits, for a pipe that nobody writes to, say. */
  readonly signal?: AbortSignal;
  /** Called with the number of bytes read, as stored. Not for whole plain files. */
  readonly onRead?: (bytes: number) => void;
  /** Called with what is odd about a stream, or about texts in JSON Lines, which are read nevertheless. */
  readonly onWarning?: (message: string) => void;
}

/**
 * The text or texts of an input. A plain file stays `{ path }`, so that several threads may read it; it is not watched. Of
 * others, reading ends with an error if somebody wrote to the file meanwhile.
 */
export function textSourceOf(input: TextInput, options: ReadTextOptions = {}): TextSource | Texts {
  const { range, field = "text", onWarning } = options;
  if (isPlainFile(input) && range === undefined) return { path: input.path };
  const name = nameOf(input);
  const stored = watched(storedBytes(input, options), options);
  if (range !== undefined) {
    return input.isJsonLines ? { texts: jsonLinesField(stored, field, name, { mayBeEmpty: true, onWarning }) } : stored;
  }
  // Of a file, what is odd was said when it was found.
  const unpacked = textBytes(stored, name, input.bytes === null ? options : {});
  const { mayBeEmpty = false } = input;
  const text = mayBeEmpty ? unpacked : nonEmpty(unpacked, name);
  return input.isJsonLines ? { texts: jsonLinesField(text, field, name, { mayBeEmpty, onWarning }) } : text;
}

/** Whether the input's text is a file as it is, which may be read in parts. */
export function isPlainFile({ bytes, isGzip, isJsonLines }: TextInput): boolean {
  return bytes !== null && !isGzip && !isJsonLines;
}

/** What an input is called in messages. */
export function nameOf({ path }: TextInput): string {
  return path === STDIN ? "standard input" : path;
}

async function* storedBytes(input: TextInput, { stdin, range }: ReadTextOptions): AsyncGenerator<Uint8Array> {
  const { path } = input;
  const stamps = path === STDIN ? [] : stampFiles([input]);
  if (range !== undefined) {
    yield* fileRange(path, range.start, range.end);
  } else if (path !== STDIN) {
    yield* (await Deno.open(path, { read: true })).readable;
  } else if (stdin === undefined) {
    throw new UserError("Cannot read standard input: got none, must be given. Name a file");
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
        `Cannot read ${path}: got its end at byte ${start}, must go on to ${end}. Try again when nothing writes to it`,
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
