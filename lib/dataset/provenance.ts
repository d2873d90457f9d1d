// Where a file of token ids comes from, kept beside it: without it, nobody can tell ids of one tokenizer from another's.
import { UserError } from "../errors.ts";
import { writeFileAtomically } from "../io/atomic.ts";
import { fingerprintParts } from "../io/fingerprint.ts";
import { JsonFields } from "../io/json_fields.ts";
import type { PublishOptions } from "../io/pending_file.ts";
import { realPathOrNull } from "../io/real_path.ts";
import { readTextIfPresent } from "../io/read_text.ts";
import { parseHash, parseTokenizerId, type TokenizerId } from "./tokenizer_id.ts";

/** The text that token ids were made from. */
export interface TextRecord {
  /** Number of inputs. */
  readonly inputs: number;
  /** Paths of the first of them. */
  readonly paths: readonly string[];
  /** Bytes of text; `null` where shards are missing or do not say. */
  readonly bytes: number | null;
  /** Of the inputs as they are stored, as `fingerprintParts` makes it; `null` if standard input is one. */
  readonly fingerprint: string | null;
}

/** Where token ids come from. */
export interface TokenProvenance {
  /** The tokenizer that the ids are of. */
  readonly tokenizer: TokenizerId;
  /** The text that was encoded, where it is known. */
  readonly text?: TextRecord;
  /** How what looks like a special token was encoded. */
  readonly specials?: "special" | "text";
  /** What stands between documents in the text, and was encoded as this id; absent if nothing was. */
  readonly documentSeparator?: { readonly text: string; readonly id: number };
  /** The id after each text; `null` if none was put there. */
  readonly separatorId?: number | null;
  /** The field of JSON Lines that the text is in; `null` if no input is JSON Lines. */
  readonly field?: string | null;
  /** When, as `Date.toISOString` writes it. */
  readonly date?: string;
  /** The version of bytelm that encoded. */
  readonly bytelm?: string;
}

/** The name of the file beside the token file `path`. */
export function provenancePath(path: string): string {
  return `${path}.provenance.json`;
}

/**
 * Writes down where the token file `path`, which is complete, comes from. What is written holds the file's size and
 * fingerprint: beside any other file of that name, it is recognised as another's.
 */
export async function writeProvenance(
  path: string,
  provenance: TokenProvenance,
  options?: PublishOptions,
): Promise<void> {
  const { size } = await Deno.stat(path);
  const file = { bytes: size, fingerprint: await fingerprintParts([{ path, start: 0, end: size }]) };
  await writeFileAtomically(provenancePath(path), `${JSON.stringify({ file, ...provenance }, null, 2)}\n`, options);
}

const MAX_BYTES = 1 << 20;

/**
 * Where the token file `path` of `size` bytes comes from; `undefined` if nothing beside it says so, nor, if it is a link,
 * beside the file that it leads to.
 * @throws {UserError} If what is beside it is damaged, or speaks of another file.
 */
export async function readProvenance(path: string, size: number): Promise<TokenProvenance | undefined> {
  const besideLink = await readBeside(path, path, size);
  if (besideLink !== undefined) return besideLink;
  const place = await realPathOrNull(path);
  return place === null ? undefined : await readBeside(place, path, size);
}

/** The same, of what lies beside `place`, which is where `path` leads to. */
async function readBeside(place: string, path: string, size: number): Promise<TokenProvenance | undefined> {
  const name = provenancePath(place);
  const source = { name, nextStep: `Encode the text again, or delete ${name} to use the ids without it` };
  const text = await readTextIfPresent(name, MAX_BYTES, source.nextStep);
  if (text === null) return undefined;
  const fields = JsonFields.parse(text, source);
  const file = fields.object("file");
  file.allowOnly(["bytes", "fingerprint"]);
  const isSame = file.integer("bytes") === size &&
    parseHash(file, "fingerprint") === await fingerprintParts([{ path, start: 0, end: size }]);
  if (!isSame) {
    throw new UserError(
      `Cannot use ${path}: got another file than ${name} was written for, must be the one encoded with it. ${source.nextStep}`,
    );
  }
  fields.allowOnly(["file", ...PROVENANCE_FIELDS]);
  return parseProvenance(fields);
}

/** The names of what a {@linkcode TokenProvenance} holds. */
export const PROVENANCE_FIELDS = [
  "tokenizer",
  "text",
  "specials",
  "documentSeparator",
  "separatorId",
  "field",
  "date",
  "bytelm",
] as const;

/** Reads a {@linkcode TokenProvenance} that was written as JSON. */
export function parseProvenance(fields: JsonFields): TokenProvenance {
  const tokenizer = parseTokenizerId(fields.object("tokenizer"));
  const text = fields.objectOrNone("text");
  const documentSeparator = fields.objectOrNone("documentSeparator");
  const date = fields.stringOrNone("date");
  const bytelm = fields.stringOrNone("bytelm");
  return {
    tokenizer,
    ...(text && { text: parseText(text) }),
    ...(fields.has("specials") && { specials: fields.oneOf("specials", ["special", "text"]) }),
    ...(documentSeparator && { documentSeparator: parseDocumentSeparator(documentSeparator) }),
    ...(fields.has("separatorId") && { separatorId: integerOrNull(fields, "separatorId") }),
    ...(fields.has("field") && { field: fields.value("field") === null ? null : fields.string("field") }),
    ...(date !== undefined && { date }),
    ...(bytelm !== undefined && { bytelm }),
  };
}

function parseDocumentSeparator(fields: JsonFields): { readonly text: string; readonly id: number } {
  fields.allowOnly(["text", "id"]);
  return { text: fields.string("text"), id: fields.integer("id", { min: 0 }) };
}

function parseText(fields: JsonFields): TextRecord {
  fields.allowOnly(["inputs", "paths", "bytes", "fingerprint"]);
  const paths = fields.list("paths").map((path) => typeof path === "string" ? path : fields.refuse("paths", "texts"));
  return {
    inputs: fields.integer("inputs", { min: 0 }),
    paths,
    bytes: integerOrNull(fields, "bytes"),
    fingerprint: fields.value("fingerprint") === null ? null : parseHash(fields, "fingerprint"),
  };
}

function integerOrNull(fields: JsonFields, name: string): number | null {
  return fields.value(name) === null ? null : fields.integer(name, { min: 0 });
}
