import { parseTokenizerId, requireTokenizerOf, type TokenizerId } from "../dataset/tokenizer_id.ts";
import type { Examples, TokenSource } from "../dataset/token_source.ts";
import { UserError } from "../errors.ts";
import type { JsonFields } from "../io/json_fields.ts";
import { sha256 } from "../io/sha256.ts";

/** Identifies a token source without reading all of it. */
export interface DataRecord {
  /** Its name: a file's path. */
  readonly name: string;
  /** Its length. */
  readonly tokens: number;
  /** How many examples it is made of, such as conversations; absent if it is one text. */
  readonly examples?: number;
  /**
   * SHA-256 of its tokens as 32-bit numbers: all of them up to four million, else that many in evenly spread windows.
   * Of a source that is made of examples: of all tokens, of where examples begin, and of which tokens are learned.
   */
  readonly sha256: string;
  /** The tokenizer of its tokens; absent if the source does not know it. */
  readonly tokenizer?: TokenizerId;
}

/**
 * Reads a record from JSON that may come from anywhere.
 * @throws {UserError} If a field is missing, unknown, or of the wrong kind.
 */
export function dataRecordOf(fields: JsonFields): DataRecord {
  fields.allowOnly(["name", "tokens", "examples", "sha256", "tokenizer"]);
  const tokenizer = fields.objectOrNone("tokenizer");
  return {
    name: fields.string("name"),
    tokens: fields.integer("tokens", { min: 0 }),
    ...(fields.has("examples") && { examples: fields.integer("examples", { min: 1 }) }),
    sha256: fields.string("sha256"),
    ...(tokenizer && { tokenizer: parseTokenizerId(tokenizer) }),
  };
}

/**
 * What is read: the number of windows and the tokens in each. The first is at the beginning and the last at the end.
 */
const WINDOWS = 64;
const WINDOW_TOKENS = 1 << 16;

/** Describes a source. */
export async function recordOf(source: TokenSource): Promise<DataRecord> {
  const { name, length: tokens, examples } = source;
  if (examples) return await recordOfExamples(source, examples);
  const seen = new Uint32Array(Math.min(tokens, WINDOWS * WINDOW_TOKENS));
  for (let at = 0; at < seen.length; at += WINDOW_TOKENS) {
    // Without gaps if there are few tokens, evenly spread if there are many.
    const start = at + Math.floor((tokens - seen.length) * at / Math.max(1, seen.length - WINDOW_TOKENS));
    seen.set(await source.read(start, start + Math.min(WINDOW_TOKENS, seen.length - at)), at);
  }
  const tokenizer = source.provenance?.tokenizer;
  return { name, tokens, sha256: sha256(new Uint8Array(seen.buffer)), ...(tokenizer && { tokenizer }) };
}

async function recordOfExamples(source: TokenSource, { starts, counted }: Examples): Promise<DataRecord> {
  const { name, length: tokens } = source;
  const ids = Uint32Array.from(await source.read(0, tokens));
  const parts = [ids, starts, counted].map(({ buffer, byteOffset, byteLength }) =>
    new Uint8Array(buffer, byteOffset, byteLength)
  );
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  const tokenizer = source.provenance?.tokenizer;
  return { name, tokens, examples: starts.length - 1, sha256: sha256(bytes), ...(tokenizer && { tokenizer }) };
}

/**
 * Compares a source with the record of the data that a run began with.
 *
 * @throws {UserError} If the source, whatever its name, is not the recorded one, or has another tokenizer.
 */
export async function requireSameData(source: TokenSource, record: DataRecord): Promise<void> {
  if (record.tokenizer) requireTokenizerOf(source, record.tokenizer);
  const { tokens, sha256: sum } = await recordOf(source);
  if (tokens === record.tokens && sum === record.sha256) return;
  const got = tokens === record.tokens ? "other tokens" : `${tokens} tokens instead of ${record.tokens}`;
  throw new UserError(
    `Cannot resume with ${source.name}: got ${got}, must be the data that the run began with (${record.name}). ` +
      `Restore that file, or start a new run`,
  );
}
