// The inputs that somebody names: files, directories, standard input.
import { constants, gunzipSync } from "node:zlib";
import { UserError } from "../errors.ts";
import { statIfPresent } from "../io/stat_if_present.ts";
import { type FileFilter, findFiles, identityOf, type SkipReason } from "./find_files.ts";
import { type InputKind, inputKinds } from "./input_kinds.ts";
import { requireText } from "./text_bytes.ts";
import { type Examined, EXAMINED_BYTES, type ExaminedText, examineText } from "./text_format.ts";
import { STDIN, type TextInput } from "./text_inputs.ts";

/** A file in a directory that is skipped, and why: a {@linkcode SkipReason}, or what it is instead of text. */
export interface SkippedInput {
  /** The file's path, with its directory's before it. */
  readonly path: string;
  /** The reason, in words. */
  readonly reason: SkipReason | string;
}

/** What was found. */
export interface InputReport {
  /** All files that are read, named or found, by what their names end in. Pipes and standard input are none. */
  readonly kinds: readonly InputKind[];
  /** Files that were found in directories. */
  readonly found: readonly TextInput[];
  /** Files in directories that are skipped. */
  readonly skipped: readonly SkippedInput[];
  /** Names of filters that match nothing in any directory. */
  readonly unmatched: readonly string[];
  /** Files that will be read twice, because they were named twice. */
  readonly repeated: readonly string[];
  /** Files whose beginning is not UTF-8. Their bytes are used as they are. */
  readonly notUtf8: readonly string[];
  /** Files that start with a byte order mark, which is treated as part of the text. */
  readonly marked: readonly string[];
}

/** Options for `expandInputs`. */
export interface ExpandInputsOptions {
  /** Whether standard input has one JSON object per line. */
  readonly stdinIsJsonLines?: boolean;
  /** Whether standard input may be empty. */
  readonly stdinMayBeEmpty?: boolean;
  /** Which files in directories to take: those that one of these matches. Default: all. */
  readonly include?: FileFilter | readonly FileFilter[];
  /** Which files in directories to leave out, and which directories in them not to look into. Default: none. */
  readonly exclude?: FileFilter | readonly FileFilter[];
  /** Called once, when all have been found. */
  readonly onReport?: (report: InputReport) => void;
}

/**
 * The inputs that paths name: files, the texts in directories and below them (ordered by path), and `-` for standard
 * input. The first bytes of each file are examined: a file that is not text is refused if it was named, and skipped in
 * a directory. Directories' hidden files, and links to files that are read anyway, are skipped too.
 *
 * @throws {UserError} If a path is missing, empty or not text, a directory has no texts, or `-` is given twice.
 */
export async function expandInputs(
  paths: readonly string[],
  options: ExpandInputsOptions = {},
): Promise<TextInput[]> {
  const include = options.include === undefined ? undefined : [options.include].flat();
  const exclude = [options.exclude ?? []].flat();
  const inputs = new InputList(include, exclude);
  for (const path of paths) {
    if (path === STDIN) {
      const { stdinIsJsonLines = false, stdinMayBeEmpty } = options;
      inputs.add({ path, isGzip: false, isJsonLines: stdinIsJsonLines, mayBeEmpty: stdinMayBeEmpty });
      continue;
    }
    const info = await statIfPresent(path);
    if (info === undefined) {
      throw new UserError(`Cannot read ${path}: there is no such file. Check the path`);
    }
    if (info.isDirectory) await inputs.addDirectory(path);
    else await inputs.addFile(path, info);
  }
  if (inputs.all.filter(({ path }) => path === STDIN).length > 1) {
    throw new UserError("Cannot read standard input twice: got - several times, must be given once");
  }
  if (inputs.numDirectories === 0) {
    for (const [filters, aim] of [[include ?? [], "select"], [exclude, "leave out"]] as const) {
      if (filters.length === 0) continue;
      throw new UserError(
        `Cannot ${aim} files that match ${namesOf(filters)}: there is no directory to look in. Name one`,
      );
    }
  }
  options.onReport?.(inputs);
  return inputs.all;
}

/** Collects inputs, and the report on them. */
class InputList implements InputReport {
  readonly all: TextInput[] = [];
  numDirectories = 0;
  readonly found: TextInput[] = [];
  readonly skipped: SkippedInput[] = [];
  readonly repeated: string[] = [];
  readonly notUtf8: string[] = [];
  readonly marked: string[] = [];
  readonly #identities = new Set<string>();
  readonly #matched = new Set<FileFilter>();
  readonly #include: readonly FileFilter[] | undefined;
  readonly #exclude: readonly FileFilter[];

  constructor(include: readonly FileFilter[] | undefined, exclude: readonly FileFilter[]) {
    this.#include = include;
    this.#exclude = exclude;
  }

  get unmatched(): string[] {
    const all = [...this.#include ?? [], ...this.#exclude];
    return all.filter((filter) => !this.#matched.has(filter)).map(({ name }) => name);
  }

  get kinds(): InputKind[] {
    return inputKinds(this.all);
  }

  add(input: TextInput): void {
    this.all.push(input);
  }

  /** Adds a file that was named. */
  async addFile(path: string, info: Deno.FileInfo): Promise<void> {
    if (!info.isFile) {
      // A pipe, for example: looking at its first bytes would consume them.
      return this.add({ path, isGzip: false, isJsonLines: isNamedJsonLines(path) });
    }
    if (info.size === 0) {
      throw new UserError(`Cannot read ${path}: got an empty file, must hold at least one byte. Check how it was made`);
    }
    const { isGzip, text } = examineFile(path);
    requireText(text, path, isGzip ? " inside gzip data" : "");
    if (isNamedGzip(path) && !isGzip) {
      throw new UserError(`Cannot read ${path}: it is not gzip data. Rename it without .gz`);
    }
    const identity = identityOf(info, await Deno.realPath(path));
    this.#addText({ path, bytes: info.size, isGzip, isJsonLines: isNamedJsonLines(path) }, identity, text);
  }

  /** Adds the texts in a directory. */
  async addDirectory(path: string): Promise<void> {
    this.numDirectories++;
    const root = path.replace(/(?<=.)\/+$/, "");
    const before = this.all.length;
    const include = this.#include;
    const { files, skipped } = await findFiles(root, {
      include,
      exclude: this.#exclude,
      onMatch: (filter) => this.#matched.add(filter),
      others: this.#identities,
    });
    this.skipped.push(...skipped);
    for (const { path, info, identity } of files) {
      const { isGzip, text } = examineFile(path);
      if (text.kind !== "text") {
        const reason = text.kind === "gzip" ? "gzip data" : text.format;
        this.skipped.push({ path, reason: isGzip ? `${reason} inside gzip data` : reason });
      } else if (isNamedGzip(path) && !isGzip) {
        this.skipped.push({ path, reason: "not gzip data" });
      } else {
        const input = { path, bytes: info.size, isGzip, isJsonLines: isNamedJsonLines(path), mayBeEmpty: true };
        this.#addText(input, identity, text);
        this.found.push(input);
      }
    }
    if (this.all.length > before) return;
    const named = include === undefined ? "" : ` named ${namesOf(include)}`;
    const others = this.skipped.filter(({ path }) => path.startsWith(`${root}/`));
    const more = others.length > 1 ? `, and ${others.length - 1} more` : "";
    const first = others.length > 0 ? ` (skipped ${others[0].path}: ${others[0].reason}${more})` : "";
    throw new UserError(`Cannot read ${path}: there is no text${named} in it${first}. Name another directory`);
  }

  #addText(input: TextInput, identity: string, text: ExaminedText): void {
    if (this.#identities.has(identity)) this.repeated.push(input.path);
    this.#identities.add(identity);
    // The bytes of the JSON are not those of the text.
    if (!input.isJsonLines && !text.isUtf8) this.notUtf8.push(input.path);
    if (!input.isJsonLines && text.hasByteOrderMark) this.marked.push(input.path);
    this.add(input);
  }
}

function namesOf(filters: readonly FileFilter[]): string {
  return filters.map(({ name }) => name).join(" or ");
}

function isNamedGzip(path: string): boolean {
  return path.endsWith(".gz");
}

function isNamedJsonLines(path: string): boolean {
  return /\.(jsonl|ndjson)(\.gz)?$/.test(path);
}

/** Whether a file is compressed, and what its first bytes tell about its text. */
function examineFile(path: string): { readonly isGzip: boolean; readonly text: Examined } {
  using file = Deno.openSync(path, { read: true });
  const head = new Uint8Array(EXAMINED_BYTES);
  let length = 0;
  while (length < head.length) {
    const count = file.readSync(head.subarray(length));
    if (count === null) break;
    length += count;
  }
  const stored = examineText(head.subarray(0, length));
  if (stored.kind !== "gzip") return { isGzip: false, text: stored };
  let unpacked: Uint8Array;
  try {
    unpacked = gunzipSync(head.subarray(0, length), { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    // Damaged: reading it will report that, with the position.
    unpacked = new Uint8Array(0);
  }
  return { isGzip: true, text: examineText(unpacked.subarray(0, EXAMINED_BYTES)) };
}
