// The index of token ids in several files, `PREFIX.index.json`.
import { call, option, say } from "../errors.ts";
import { JsonFields } from "../io/json_fields.ts";
import type { TokenDtype } from "./npy_format.ts";
import { parseProvenance, PROVENANCE_FIELDS, type TokenProvenance } from "./provenance.ts";

/** A shard in the index. */
export interface ShardEntry {
  /** File name, in the index's directory. */
  readonly name: string;
  /** Ids in the shard. */
  readonly tokens: number;
}

/** The contents of `PREFIX.index.json`. */
export interface ShardIndex {
  /** What the shards were made from, and how: a run with other arguments must not continue them. */
  readonly arguments: Readonly<Record<string, unknown>>;
  /** Type of the ids in every shard. */
  readonly dtype: TokenDtype;
  /** The number of shards that there will be. */
  readonly numShards: number;
  /** All shards in order; empty while some are missing. */
  readonly shards: readonly ShardEntry[];
  /** Ids in all shards; `null` while some are missing. */
  readonly tokens: number | null;
  /** As beside a single file. Indexes of an early version have only the arguments. */
  readonly provenance?: TokenProvenance;
}

/** Their numbers have five digits. */
export const MAX_SHARDS = 99_999;

/** An index lists the inputs too. */
export const MAX_INDEX_BYTES = 1 << 26;

export const INDEX_NEXT_STEP = say`Write the shards again with: ${
  call("encodeShards", { options: [option("replace", true)] })
}`;

/** The text of an index file. */
export function formatShardIndex(index: ShardIndex): string {
  return `${JSON.stringify(index, null, 2)}\n`;
}

/**
 * Reads an index file.
 *
 * @param name The file's name, for messages.
 * @throws {UserError} If the text is not what {@linkcode formatShardIndex} makes.
 */
export function parseShardIndex(text: string, name: string): ShardIndex {
  const fields = JsonFields.parse(text, { name, nextStep: INDEX_NEXT_STEP });
  fields.allowOnly(["arguments", "dtype", "numShards", "shards", "tokens", "provenance"]);
  const shards = fields.objects("shards").map(parseEntry);
  const numShards = fields.integer("numShards", { min: 1, max: MAX_SHARDS });
  if (shards.length !== 0 && shards.length !== numShards) {
    fields.refuse("numShards", `the number of shards listed, ${shards.length}`);
  }
  const tokens = shards.length === 0 ? null : shards.reduce((sum, { tokens }) => sum + tokens, 0);
  if (fields.value("tokens") !== tokens) {
    fields.refuse(
      "tokens",
      tokens === null ? "null as long as shards are missing" : `the sum of the shards', ${tokens}`,
    );
  }
  // A run that continues the shards compares them one by one.
  const { record } = fields.object("arguments");
  const provenance = fields.objectOrNone("provenance");
  provenance?.allowOnly(PROVENANCE_FIELDS);
  return {
    arguments: record,
    dtype: fields.oneOf("dtype", ["uint16", "uint32"]),
    numShards,
    shards,
    tokens,
    ...(provenance ? { provenance: parseProvenance(provenance) } : provenanceOfArguments(record)),
  };
}

/** Must not contain a directory, or an index could name any file. */
const FILE_NAME = /^[^/\\\0]{1,200}\.npy$/;

function parseEntry(fields: JsonFields): ShardEntry {
  fields.allowOnly(["name", "tokens"]);
  const name = fields.string("name");
  if (!FILE_NAME.test(name)) fields.refuse("name", "the name of a .npy file beside the index");
  return { name, tokens: fields.integer("tokens", { min: 0 }) };
}

function provenanceOfArguments({ tokenizer }: Readonly<Record<string, unknown>>) {
  if (typeof tokenizer !== "string" || !/^[0-9a-f]{64}$/.test(tokenizer)) return {};
  return { provenance: { tokenizer: { sha256: tokenizer } } };
}
