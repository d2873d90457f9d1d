// Records beside a file of token ids where they come from: the ids of different tokenizers look alike.
import { UserError } from "../errors.ts";
import { writeFileAtomically } from "../io/atomic.ts";
import { fingerprintParts } from "../io/fingerprint.ts";
import { JsonFields } from "../io/json_fields.ts";
import type { PublishOptions } from "../io/pending_file.ts";
import { realPathIfPresent } from "../io/real_path.ts";
import { readTextIfPresent } from "../io/read_text.ts";
import { parseHash, parseTokenizerId, type TokenizerId } from "./tokenizer_id.ts";

/** The text that token ids were made from. */
export interface TextRecord {
  /** Number of inputs. */
  readonly inputs: number;
  /** The paths of the first few. */
  readonly paths: readonly string[];
  /** Bytes of text; `null` if shards are missing or do not record it. */
  readonly bytes: number | null;
  /** Fingerprint of the inputs as stored, from `fingerprintParts`; `null` if standard input is among them. */
  readonly fingerprint: string | null;
}

/** Where token ids come from. */
export interface TokenProvenance {
  /** The tokenizer of the ids. */
  readonly tokenizer: TokenizerId;
  /** The text that was encoded, if known. */
  readonly text?: TextRecord;
  /** How special tokens in the text were encoded. */
  readonly specials?: "special" | "text";
  /** The text between documents that was encoded as this id; absent if none was given. */
  readonly documentSeparator?: { readonly text: string; readonly id: number };
  /** The id after each text; `null` if there is none. */
  readonly separatorId?: number | null;
  /** Whether the tokenizer's own tokens were put around each text; absent if not. */
  readonly addSpecial?: boolean;
  /** The field of JSON Lines with the text; `null` if no input is JSON Lines. */
  readonly field?: string | null;
  /** When, as `Date.toISOString` writes it. */
  readonly date?: string;
  /** The version of bytelm that encoded the text. */
  readonly bytelm?: string;
}

/** The name of the file beside the token file `path`. */
export function provenancePath(path: string): string {
  return `${path}.provenance.json`;
}

/**
 * Records where the token file `path`, which must be complete, comes from. The record includes the file's size and
 * fingerprint, so that it is not taken to describe another file of that name.
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
 * Where the token file `path` of `size` bytes comes from; `undefined` if there is no record beside it, nor, if it is a
 * link, beside its target.
 * @throws {UserError} If the record is damaged or describes another file.
 */
export async function readProvenance(path: string, size: number): Promise<TokenProvenance | undefined> {
  const besideLink = await readBeside(path, path, size);
  if (besideLink !== undefined) return besideLink;
  const place = await realPathIfPresent(path);
  return place === undefined ? undefined : await readBeside(place, path, size);
}

/** The same, for the record beside `place`, which is where `path` leads to. */
async function readBeside(place: string, path: string, size: number): Promise<TokenProvenance | undefined> {
  const name = provenancePath(place);
  const source = { name, nextStep: `Encode the text again, or delete ${name} to use the ids without it` };
  const text = await readTextIfPresent(name, MAX_BYTES, source.nextStep);
  if (text === undefined) return undefined;
  const fields = JsonFields.parse(text, source);
  const file = fields.object("file");
  file.allowOnly(["bytes", "fingerprint"]);
  const isSame = file.integer("bytes") === size &&
    parseHash(file, "fingerprint") === await fingerprintParts([{ path, start: 0, end: size }]);
  if (!isSame) {
    throw new UserError(
      `Cannot use ${path}: got another file than the one that ${name} describes. ${source.nextStep}`,
    );
  }
  fields.allowOnly(["file", ...PROVENANCE_FIELDS]);
  return parseProvenance(fields);
}

/** The field names of a {@linkcode TokenProvenance}. */
export const PROVENANCE_FIELDS = [
  "tokenizer",
  "text",
  "specials",
  "documentSeparator",
  "separatorId",
  "addSpecial",
  "field",
  "date",
  "bytelm",
] as const;

/** Reads a {@linkcode TokenProvenance} from JSON. */
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
    ...(fields.has("addSpecial") && { addSpecial: fields.boolean("addSpecial") }),
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
