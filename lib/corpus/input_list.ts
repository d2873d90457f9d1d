// Collects inputs as they are found, and the report on them.
import { option, say, UserError, type Wording } from "../errors.ts";
import { type ExaminedFile, examineFile } from "./examine_file.ts";
import { type FileFilter, findFiles, identityOf, type SkipReason } from "./find_files.ts";
import { type InputKind, inputKinds } from "./input_kinds.ts";
import type { Structure } from "./structured_text.ts";
import { isPacked, requireText } from "./text_bytes.ts";
import { type ExaminedText, PARQUET } from "./text_format.ts";
import type { TableReader, TextInput } from "./text_inputs.ts";

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
  /** Files in directories that look like tables of texts, and are read as plain text all the same. */
  readonly structured: readonly StructuredInput[];
}

/** A file that looks like a table of texts. */
export interface StructuredInput {
  /** The file's path. */
  readonly path: string;
  /** What it looks like: `JSON Lines`, for example. */
  readonly structure: string;
}

/** How files are read that are more than one text. */
export interface ReadingOptions {
  /**
   * The field that was asked for. If it is given, a file that looks like JSON Lines is read as such, whatever its name.
   */
  readonly field?: string;
  /** Whether to take files that look like JSON Lines, JSON arrays or CSV for plain text, without a word. Default: no. */
  readonly asText?: boolean;
  /** Reads Parquet files. Without it, they are refused. */
  readonly readParquet?: TableReader;
}

/** Collects inputs, and the report on them. */
export class InputList implements InputReport {
  readonly all: TextInput[] = [];
  numDirectories = 0;
  readonly found: TextInput[] = [];
  readonly skipped: SkippedInput[] = [];
  readonly repeated: string[] = [];
  readonly notUtf8: string[] = [];
  readonly marked: string[] = [];
  readonly structured: StructuredInput[] = [];
  readonly #identities = new Set<string>();
  readonly #matched = new Set<FileFilter>();
  readonly #include: readonly FileFilter[] | undefined;
  readonly #exclude: readonly FileFilter[];
  readonly #reading: ReadingOptions;

  constructor(include: readonly FileFilter[] | undefined, exclude: readonly FileFilter[], reading: ReadingOptions) {
    this.#include = include;
    this.#exclude = exclude;
    this.#reading = reading;
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
    const examined = await examineFile(path);
    const identity = identityOf(info, await Deno.realPath(path));
    const table = this.#tableOf(path, info, examined);
    if (table !== undefined) return this.#addInput(table, identity);
    const { text, where } = examined;
    requireText(text, path, where);
    const wrongName = misnamed(path, examined);
    if (wrongName !== undefined) {
      const { packing, ending } = wrongName;
      throw new UserError(
        `Cannot read ${path}: it is not ${packing} data. Rename it without ${ending}`,
      );
    }
    const input = this.#inputOf(path, info, examined);
    if (this.#looksWrong(input, text)) throw refuseStructure(path, text.structure!);
    this.#addText(input, identity, text);
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
      const examined = await examineFile(path);
      const { text, where } = examined;
      const table = this.#tableOf(path, info, examined);
      if (table !== undefined) {
        const input = { ...table, mayBeEmpty: true };
        this.#addInput(input, identity);
        this.found.push(input);
      } else if (text.kind !== "text") {
        const reason = isPacked(text) ? `${text.kind} data` : text.format;
        this.skipped.push({ path, reason: `${reason}${where}` });
      } else if (misnamed(path, examined) !== undefined) {
        this.skipped.push({ path, reason: `not ${misnamed(path, examined)!.packing} data` });
      } else {
        const input = { ...this.#inputOf(path, info, examined), mayBeEmpty: true };
        if (this.#looksWrong(input, text)) this.structured.push({ path, structure: text.structure! });
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

  /** A Parquet file, if it can be read. */
  #tableOf(path: string, { size }: Deno.FileInfo, { packing, text }: ExaminedFile): TextInput | undefined {
    const { readParquet } = this.#reading;
    if (readParquet === undefined || packing !== undefined) return undefined;
    if (text.kind !== "other" || text.format !== PARQUET) return undefined;
    return { path, bytes: size, isGzip: false, storage: "Parquet", isJsonLines: false, readTable: readParquet };
  }

  #inputOf(path: string, { size }: Deno.FileInfo, { packing, text }: ExaminedFile): TextInput {
    const { field, asText } = this.#reading;
    const isWide = text.kind === "text" && text.encoding !== undefined;
    const storage = packing === "zstd"
      ? "zstd" as const
      : packing === undefined && isWide
      ? "UTF-16" as const
      : undefined;
    const seemsJsonLines = text.kind === "text" && text.structure === "JSON Lines" && field !== undefined && !asText;
    return {
      path,
      bytes: size,
      isGzip: packing === "gzip",
      ...(storage && { storage }),
      isJsonLines: isNamedJsonLines(path) || seemsJsonLines,
    };
  }

  /** Whether a text looks like a table, and would not be read as that table. */
  #looksWrong({ isJsonLines }: TextInput, { structure }: ExaminedText): boolean {
    if (structure === undefined || this.#reading.asText) return false;
    return !(isJsonLines && structure === "JSON Lines");
  }

  #addInput(input: TextInput, identity: string): void {
    if (this.#identities.has(identity)) this.repeated.push(input.path);
    this.#identities.add(identity);
    this.add(input);
  }

  #addText(input: TextInput, identity: string, text: ExaminedText): void {
    // The bytes of the JSON are not those of the text.
    if (!input.isJsonLines && !text.isUtf8) this.notUtf8.push(input.path);
    if (!input.isJsonLines && text.hasByteOrderMark) this.marked.push(input.path);
    this.#addInput(input, identity);
  }
}

/** The names of filters, for messages. */
export function namesOf(filters: readonly FileFilter[]): string {
  return filters.map(({ name }) => name).join(" or ");
}

/** What names say of how a file is packed. */
const PACKED_NAMES = [{ ending: ".gz", packing: "gzip" }, { ending: ".zst", packing: "zstd" }] as const;

/** What a file's name says, if that is not so. */
function misnamed(path: string, { packing }: ExaminedFile) {
  return PACKED_NAMES.find((name) => path.endsWith(name.ending) && packing !== name.packing);
}

/** Whether a name says that it is JSON Lines. */
function isNamedJsonLines(path: string): boolean {
  return /\.(jsonl|ndjson)(\.(gz|zst))?$/.test(path);
}

function refuseStructure(path: string, structure: Structure): UserError {
  return new UserError(
    say`Cannot read ${path}: got what looks like ${structure}, must be a text, or named .jsonl. ${
      STRUCTURE_STEPS[structure]
    }; or take it for plain text with: ${option("asText")}`,
  );
}

const WRITE_LINES = say`Write an object for each text on a line of its own: {"text": "…"}`;

/** What to do about what is no text. */
const STRUCTURE_STEPS: Readonly<Record<Structure, Wording>> = {
  "JSON Lines": say`Name the ${option("field")} with its texts, or the file .jsonl`,
  "a JSON array": say`Write its objects to lines of their own, with jq -c '.[]'`,
  "a table (CSV)": WRITE_LINES,
  "a table (TSV)": WRITE_LINES,
};
