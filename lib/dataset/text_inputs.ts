// The inputs a person names (files, directories, standard input; packed or not; plain text or JSON Lines) as texts.
import { UserError } from "../errors.ts";
import { requireUnchanged, stampFiles } from "../io/file_stamp.ts";
import { gunzip } from "../io/gunzip.ts";
import type { Texts } from "../tokenizer/texts.ts";
import type { TextSource } from "../tokenizer/text_source.ts";
import { jsonLinesField } from "./json_lines.ts";

/** Name of standard input where a path is expected. */
export const STDIN = "-";

/** One input: a file or standard input. */
export interface TextInput {
  /** Its path, or `-`. */
  readonly path: string;
  /** Size in bytes as stored; `null` where it is not known beforehand. */
  readonly bytes: number | null;
  readonly isGzip: boolean;
  /** Whether it holds a text per line, in a field of a JSON object. */
  readonly isJsonLines: boolean;
}

/** How inputs are read. */
export interface ReadTextOptions {
  /** Field of each JSON Lines object that holds the text. Default: `text`. */
  readonly field?: string;
  /** What `-` stands for. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Only these bytes of the file, as stored: `[start, end)`. Default: all. */
  readonly range?: { readonly start: number; readonly end: number };
  readonly signal?: AbortSignal;
  /** Called with the number of bytes read, as stored. Not for whole plain files. */
  readonly onRead?: (bytes: number) => void;
}

/**
 * The inputs that paths name: files as they are, directories as the files in them and below them in the order of their
 * paths, without those whose names start with a dot. `-` is standard input; with `stdinIsJsonLines` it has a JSON object a line.
 *
 * @throws {UserError} if a path is missing or empty, a directory has no files, or `-` is given twice.
 */
export async function expandInputs(
  paths: readonly string[],
  options: { readonly stdinIsJsonLines?: boolean } = {},
): Promise<TextInput[]> {
  const inputs: TextInput[] = [];
  for (const path of paths) {
    if (path === STDIN) {
      inputs.push({ path, bytes: null, isGzip: false, isJsonLines: options.stdinIsJsonLines ?? false });
      continue;
    }
    const info = await statOrNull(path);
    if (info === null) {
      throw new UserError(`Cannot read ${path}: got no such file, must be an existing file. Check the path`);
    }
    if (!info.isDirectory) {
      inputs.push(fileInput(path, info));
      continue;
    }
    const below = await filesBelow(path.replace(/(?<=.)\/+$/, ""));
    if (below.length === 0) {
      throw new UserError(`Cannot read ${path}: got a directory without text, must hold files. Name another`);
    }
    inputs.push(...below);
  }
  if (inputs.filter(({ path }) => path === STDIN).length > 1) {
    throw new UserError("Cannot read standard input twice: got - several times, must be given once");
  }
  return inputs;
}

/**
 * The text or texts of an input. A plain file stays `{ path }`, so that several threads may read it; it is not watched. Of
 * others, reading ends with an error if somebody wrote to the file meanwhile.
 */
export function textSourceOf(input: TextInput, options: ReadTextOptions = {}): TextSource | Texts {
  if (isPlainFile(input) && options.range === undefined) return { path: input.path };
  const stored = watched(storedBytes(input, options), options);
  const bytes = input.isGzip ? gunzip(stored, input.path) : stored;
  return input.isJsonLines ? { texts: jsonLinesField(bytes, options.field ?? "text", input.path) } : bytes;
}

/** Whether the input's text is the file as it is. */
export function isPlainFile({ path, isGzip, isJsonLines }: TextInput): boolean {
  return path !== STDIN && !isGzip && !isJsonLines;
}

function fileInput(path: string, info: Deno.FileInfo): TextInput {
  if (info.isFile && info.size === 0) {
    throw new UserError(`Cannot read ${path}: got an empty file, must hold at least one byte. Check how it was made`);
  }
  const isGzip = path.endsWith(".gz");
  const isJsonLines = /\.(jsonl|ndjson)(\.gz)?$/.test(path);
  return { path, bytes: info.isFile ? info.size : null, isGzip, isJsonLines };
}

/** Empty files in a directory are passed over: nobody named them. */
async function filesBelow(dir: string): Promise<TextInput[]> {
  const entries = (await Array.fromAsync(Deno.readDir(dir))).filter(({ name }) => !name.startsWith("."));
  entries.sort((a, b) => a.name < b.name ? -1 : 1);
  const found: TextInput[] = [];
  for (const { name } of entries) {
    const path = `${dir}/${name}`;
    const info = await Deno.stat(path);
    if (info.isDirectory) found.push(...await filesBelow(path));
    else if (info.size > 0) found.push(fileInput(path, info));
  }
  return found;
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
  for await (const piece of source) {
    signal?.throwIfAborted();
    onRead?.(piece.length);
    yield piece;
  }
}

async function statOrNull(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
    throw error;
  }
}
