import type { TokenSource } from "../dataset/token_source.ts";
import { UserError } from "../errors.ts";
import { sha256 } from "../io/sha256.ts";

/** What tells a token source from another without reading it whole. */
export interface DataRecord {
  /** Its name: a file's path. */
  readonly name: string;
  readonly tokens: number;
  /** Of its first and its last tokens, as 32-bit numbers. */
  readonly sha256: string;
}

/** Tokens at each end that are looked at. */
const END_TOKENS = 1 << 16;

/** Describes a source. */
export async function recordOf(source: TokenSource): Promise<DataRecord> {
  const first = await source.read(0, Math.min(END_TOKENS, source.length));
  const last = await source.read(Math.max(0, source.length - END_TOKENS), source.length);
  const ends = Uint32Array.from([...first, ...last]);
  return { name: source.name, tokens: source.length, sha256: sha256(new Uint8Array(ends.buffer)) };
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
