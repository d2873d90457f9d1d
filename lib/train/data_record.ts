import type { TokenSource } from "../dataset/token_source.ts";
import { UserError } from "../errors.ts";
import type { JsonFields } from "../io/json_fields.ts";
import { type FieldReaders, integer, readFields, string } from "../io/json_record.ts";
import { sha256 } from "../io/sha256.ts";

/** What tells a token source from another without reading it whole. */
export interface DataRecord {
  /** Its name: a file's path. */
  readonly name: string;
  readonly tokens: number;
  /** Of its tokens as 32-bit numbers: all of them up to four million, of longer sources as many in windows spread evenly. */
  readonly sha256: string;
}

const READERS: FieldReaders<DataRecord> = { name: string, tokens: integer, sha256: string };

/**
 * A record in JSON that somebody else may have written.
 * @throws {UserError} If a field is missing, unknown, or of another kind.
 */
export function dataRecordOf(fields: JsonFields): DataRecord {
  const record = readFields(fields, READERS);
  const tokens = fields.integer("tokens", { min: 0 });
  return { ...record, name: fields.string("name"), tokens, sha256: fields.string("sha256") };
}

/** What is looked at: so many windows of so many tokens, the first at the beginning and the last at the end. */
const WINDOWS = 64;
const WINDOW_TOKENS = 1 << 16;

/** Describes a source. */
export async function recordOf(source: TokenSource): Promise<DataRecord> {
  const { name, length: tokens } = source;
  const seen = new Uint32Array(Math.min(tokens, WINDOWS * WINDOW_TOKENS));
  for (let at = 0; at < seen.length; at += WINDOW_TOKENS) {
    // Without gaps where there are few tokens, evenly spread where there are many.
    const start = at + Math.floor((tokens - seen.length) * at / Math.max(1, seen.length - WINDOW_TOKENS));
    seen.set(await source.read(start, start + Math.min(WINDOW_TOKENS, seen.length - at)), at);
  }
  return { name, tokens, sha256: sha256(new Uint8Array(seen.buffer)) };
}

/** @throws {UserError} If the source, whatever its name, is not the one that was recorded. */
export async function requireSameData(source: TokenSource, record: DataRecord): Promise<void> {
  const { tokens, sha256: sum } = await recordOf(source);
  if (tokens === record.tokens && sum === record.sha256) return;
  const got = tokens === record.tokens ? "other tokens" : `${tokens} tokens instead of ${record.tokens}`;
  throw new UserError(
    `Cannot resume with ${source.name}: got ${got}, must be the data that the run began with (${record.name}). ` +
      `Restore that file, or start a new run`,
  );
}
