// Token ids in several files, each of which is made alone: by another run, or on another machine.
import { option, say, UserError } from "../../errors.ts";
import { writeFileAtomically } from "../../io/atomic.ts";
import { readTextIfPresent } from "../../io/read_text.ts";
import { nameOf } from "../../io/parent_of.ts";
import { PathExistsError } from "../../io/rename_to_new.ts";
import { specialsFor } from "../../tokenizer/pretokenize/special_tokens.ts";
import type { Tokenizer } from "../../tokenizer/tokenizer.ts";
import {
  type EncodePartsOptions,
  encodePartsToNpy,
  type EncodeProgress,
  provenanceOf,
  wholeInputs,
} from "./encode_parts.ts";
import { tokenDtype } from "../../dataset/npy_format.ts";
import {
  formatShardIndex,
  INDEX_NEXT_STEP,
  MAX_INDEX_BYTES,
  parseShardIndex,
  type ShardEntry,
  type ShardIndex,
} from "../../dataset/shard_index.ts";
import { indexName, shardName } from "../../dataset/shard_files.ts";
import { planShards, type ShardSize } from "./shard_plan.ts";
import { requireNoOthers, shardAt, type WantedShard } from "../../dataset/shards_there.ts";
import type { TextInput } from "../text_inputs.ts";

/** How shards are made. */
export interface EncodeShardsOptions extends EncodePartsOptions {
  /** How many shards there are, or about how large each is. */
  readonly size: ShardSize;
  /** Make this shard alone, counted from 0. Default: all that are missing. */
  readonly only?: number;
  /** Make shards anew that are there, whatever they were made from. */
  readonly replace?: boolean;
  /** Called when a shard is there; `isNew` if this call made it. */
  readonly onShard?: (name: string, tokens: number, isNew: boolean) => void;
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
  const specials = specialsFor(tokenizer.vocabulary.specials, options);
  const shards = await planShards(inputs, options.size, specials);
  const provenance = await provenanceOf(tokenizer, wholeInputs(inputs), options);
  const wanted = {
    arguments: {
      tokenizer: provenance.tokenizer.sha256,
      text: provenance.text!.fingerprint,
      inputs: inputs.map(({ path, bytes }) => ({ path, bytes })),
      size: options.size,
      specials: options.specials ?? "special",
      separatorId: options.separatorId ?? null,
      field: options.field ?? "text",
      ...(provenance.documentSeparator && { documentSeparator: provenance.documentSeparator }),
    },
    dtype: tokenDtype(tokenizer.vocabSize),
    numShards: shards.length,
    shards: [],
    tokens: null,
    provenance,
  };
  const replace = options.replace ?? false;
  const of = (isEarly: boolean) =>
    shards.map((parts, number): WantedShard => ({
      path: shardName(prefix, number, shards.length),
      provenance: () => provenanceOf(tokenizer, parts, options),
      isEarly,
    }));
  if (!replace) await requireNoOthers(prefix, of(false));
  const index = await claim(prefix, wanted, replace);
  const wantedShards = of(index.arguments.text === undefined);
  // What is odd about an input shows in each of its shards.
  const warnings = new Set<string>();
  const onWarning = (message: string) => {
    if (!warnings.has(message)) options.onWarning?.(message);
    warnings.add(message);
  };
  let done: EncodeProgress = { storedBytes: 0, bytes: 0, tokens: 0 };
  for (const [number, shard] of shards.entries()) {
    if (options.only !== undefined && number !== options.only) continue;
    const { path } = wantedShards[number];
    const there = replace ? null : await shardAt(wantedShards[number]);
    if (there === null) {
      const before = done;
      // Of text that is cut into many shards, one may have none. Another machine may have made it meanwhile: the same bytes.
      const made = { ...options, onWarning, mayBeEmpty: true, replace: true };
      done = await encodePartsToNpy(tokenizer, shard, path, made, before);
      options.onShard?.(path, done.tokens - before.tokens, true);
    } else {
      options.onShard?.(path, there.tokens, false);
    }
  }
  return await finish(prefix, index, wantedShards, options.only);
}

/**
 * Writes the index before the first shard; refuses one of another run. Several machines may do so at once: all write the
 * same but for the time. Returns the index that is there.
 */
async function claim(prefix: string, index: ShardIndex, replace: boolean): Promise<ShardIndex> {
  const path = indexName(prefix);
  try {
    await writeFileAtomically(path, formatShardIndex(index), { replace });
    return index;
  } catch (error) {
    if (!(error instanceof PathExistsError)) throw error;
  }
  const found = await readIndex(path);
  // Somebody took it away since.
  if (found === null) return await claim(prefix, index, replace);
  const name = differenceOf(index, found);
  if (name === undefined) return found;
  throw new UserError(
    say`Cannot go on with the shards of ${path}: got another ${name} than they were made with, must be the same. Choose another name for the output, or replace them: ${
      option("replace", true)
    }`,
  );
}

async function readIndex(path: string): Promise<ShardIndex | null> {
  const text = await readTextIfPresent(path, MAX_INDEX_BYTES, INDEX_NEXT_STEP);
  return text === null ? null : parseShardIndex(text, path);
}

/** What the shards of two indexes were made with that is not the same. */
function differenceOf(index: ShardIndex, found: ShardIndex): string | undefined {
  const wanted: Readonly<Record<string, unknown>> = { ...index.arguments, numShards: index.numShards };
  const given: Readonly<Record<string, unknown>> = { ...found.arguments, numShards: found.numShards };
  // Written down only where there is one.
  return [...Object.keys(wanted), "documentSeparator"].find((name) =>
    JSON.stringify(wanted[name]) !== JSON.stringify(given[name]) &&
    // An early version did not write it.
    !(name === "text" && given[name] === undefined)
  );
}

/**
 * Fills in the shards, if all are there.
 * @throws {UserError} If the index is another run's by now, or a shard of a run that made all of them is.
 */
async function finish(
  prefix: string,
  { provenance, ...index }: ShardIndex,
  wanted: readonly WantedShard[],
  only: number | undefined,
): Promise<ShardIndex> {
  const shards: ShardEntry[] = [];
  let bytes: number | null = 0;
  for (const shard of wanted) {
    const there = await shardAt(shard);
    if (there === null) {
      if (only === undefined) throw takenAway(prefix, shard.path);
      return { ...index, shards: [], tokens: null, provenance };
    }
    bytes = bytes === null || there.bytes === null ? null : bytes + there.bytes;
    shards.push({ name: nameOf(shard.path), tokens: there.tokens });
  }
  const found = await readIndex(indexName(prefix));
  if (found !== null && differenceOf(index, found) !== undefined) throw takenAway(prefix, indexName(prefix));
  const complete = {
    ...index,
    shards,
    tokens: shards.reduce((sum, { tokens }) => sum + tokens, 0),
    ...(provenance &&
      { provenance: { ...provenance, ...(provenance.text && { text: { ...provenance.text, bytes } }) } }),
  };
  await writeFileAtomically(indexName(prefix), formatShardIndex(complete));
  return complete;
}

function takenAway(prefix: string, path: string): UserError {
  return new UserError(
    `Cannot complete ${
      indexName(prefix)
    }: got ${path} removed or replaced by another run meanwhile, must stay until all shards are there. Encode again when nothing else writes there`,
  );
}
