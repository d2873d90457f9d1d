// Token ids in several files, each of which is made alone: by another run, or on another machine.
import { createHash } from "node:crypto";
import { UserError } from "../errors.ts";
import { writeFileAtomically } from "../io/atomic.ts";
import { PathExistsError } from "../io/rename_to_new.ts";
import { SpecialTokens } from "../tokenizer/special_tokens.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { formatTokenizerJson } from "../tokenizer/tokenizer_json.ts";
import { type EncodePartsOptions, encodePartsToNpy, type EncodeProgress } from "./encode_parts.ts";
import { NpyReader } from "./npy_file.ts";
import { type TokenDtype, tokenDtype } from "./npy_format.ts";
import { planShards, type ShardSize } from "./shard_plan.ts";
import type { TextInput } from "./text_inputs.ts";

/** How shards are made. */
export interface EncodeShardsOptions extends EncodePartsOptions {
  readonly size: ShardSize;
  /** Make this shard alone, counted from 0. Default: all that are missing. */
  readonly only?: number;
  /** Make shards anew that are there, whatever they were made from. */
  readonly replace?: boolean;
  /** Called when a shard is there; `isNew` if this call made it. */
  readonly onShard?: (name: string, tokens: number, isNew: boolean) => void;
}

/** A shard in the index. */
export interface ShardEntry {
  /** File name, in the index's directory. */
  readonly name: string;
  readonly tokens: number;
}

/** What `PREFIX.index.json` holds. */
export interface ShardIndex {
  /** What the shards were made from and how: a run with other arguments must not go on with them. */
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly dtype: TokenDtype;
  readonly numShards: number;
  /** All shards in order; empty as long as some are missing. */
  readonly shards: readonly ShardEntry[];
  readonly tokens: number | null;
}

/** `train-00003-of-00012.npy` for the prefix `train`. */
export function shardName(prefix: string, shard: number, numShards: number): string {
  const digits = (n: number) => String(n).padStart(5, "0");
  return `${prefix}-${digits(shard)}-of-${digits(numShards)}.npy`;
}

/**
 * Encodes inputs into shards `PREFIX-00000-of-0000N.npy` …, and writes `PREFIX.index.json` once all are there. Shards that
 * are there already, from a run with the same arguments, are not made again: a run that was cut off goes on at the first
 * missing one, and several machines can make one each. The shards' ids, one after the other, are those of the inputs.
 *
 * @param prefix Path and beginning of the files' names.
 * @throws {UserError} if the shards that are there were made with other arguments, or the inputs cannot be divided.
 */
export async function encodeShards(
  tokenizer: Tokenizer,
  inputs: readonly TextInput[],
  prefix: string,
  options: EncodeShardsOptions,
): Promise<ShardIndex> {
  const specials = new SpecialTokens(options.specials === "text" ? [] : tokenizer.vocabulary.specials);
  const shards = await planShards(inputs, options.size, specials);
  const index: ShardIndex = {
    arguments: {
      tokenizer: createHash("sha256").update(formatTokenizerJson(tokenizer.vocabulary)).digest("hex"),
      inputs: inputs.map(({ path, bytes }) => ({ path, bytes })),
      size: options.size,
      specials: options.specials ?? "special",
      separatorId: options.separatorId ?? null,
      field: options.field ?? "text",
    },
    dtype: tokenDtype(tokenizer.vocabSize),
    numShards: shards.length,
    shards: [],
    tokens: null,
  };
  await claim(prefix, index, options.replace ?? false);
  let done: EncodeProgress = { storedBytes: 0, bytes: 0, tokens: 0 };
  for (const [number, shard] of shards.entries()) {
    if (options.only !== undefined && number !== options.only) continue;
    const path = shardName(prefix, number, shards.length);
    const there = options.replace ? null : await lengthOf(path);
    if (there === null) {
      const before = done;
      // Another machine may have made it meanwhile: the same bytes.
      done = await encodePartsToNpy(tokenizer, shard, path, { ...options, replace: true }, before);
      options.onShard?.(path, done.tokens - before.tokens, true);
    } else {
      options.onShard?.(path, there, false);
    }
  }
  return await finish(prefix, index);
}

const indexPath = (prefix: string) => `${prefix}.index.json`;

/** Writes the index before the first shard; refuses one of another run. Several machines may do so at once: all write the same. */
async function claim(prefix: string, index: ShardIndex, replace: boolean): Promise<void> {
  const path = indexPath(prefix);
  try {
    return await writeFileAtomically(path, formatIndex(index), { replace });
  } catch (error) {
    if (!(error instanceof PathExistsError)) throw error;
  }
  const before = await Deno.readTextFile(path);
  let found: Partial<ShardIndex>;
  try {
    found = JSON.parse(before) as Partial<ShardIndex>;
  } catch {
    found = {};
  }
  const wanted: Readonly<Record<string, unknown>> = { ...index.arguments, numShards: index.numShards };
  const given: Readonly<Record<string, unknown>> = { ...found.arguments, numShards: found.numShards };
  for (const name of Object.keys(wanted)) {
    if (JSON.stringify(wanted[name]) === JSON.stringify(given[name])) continue;
    throw new UserError(
      `Cannot go on with the shards of ${path}: got another ${name} than they were made with, must be the same. Choose another name for the output, or replace them with --force`,
    );
  }
}

/** Fills in the shards, if all are there. */
async function finish(prefix: string, index: ShardIndex): Promise<ShardIndex> {
  const shards: ShardEntry[] = [];
  for (let shard = 0; shard < index.numShards; shard++) {
    const path = shardName(prefix, shard, index.numShards);
    const tokens = await lengthOf(path);
    if (tokens === null) return index;
    shards.push({ name: path.slice(path.lastIndexOf("/") + 1), tokens });
  }
  const complete = { ...index, shards, tokens: shards.reduce((sum, { tokens }) => sum + tokens, 0) };
  await writeFileAtomically(indexPath(prefix), formatIndex(complete));
  return complete;
}

function formatIndex(index: ShardIndex): string {
  return `${JSON.stringify(index, null, 2)}\n`;
}

async function lengthOf(path: string): Promise<number | null> {
  try {
    using reader = await NpyReader.open(path);
    return reader.length;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
