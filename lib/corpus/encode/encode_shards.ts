// Writes token ids to several files, each of which can be made by another run or on another machine.
import { option, say, UserError } from "../../errors.ts";
import { writeFileAtomically } from "../../io/atomic.ts";
import { readTextIfPresent } from "../../io/read_text.ts";
import { nameOf } from "../../io/parent_of.ts";
import { PathExistsError } from "../../io/rename_to_new.ts";
import { specialsFor } from "../../tokenizer/encode/text_preparation.ts";
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

/** Options for `encodeShards`. */
export interface EncodeShardsOptions extends EncodePartsOptions {
  /** The number of shards, or the approximate size of each. */
  readonly size: ShardSize;
  /** The only shard to make, counted from 0. Default: all that are missing. */
  readonly only?: number;
  /** Whether to remake existing shards, whatever they were made from. */
  readonly replace?: boolean;
  /** Called when a shard is complete; `isNew` if this call made it. */
  readonly onShard?: (name: string, tokens: number, isNew: boolean) => void;
}

/**
 * Encodes inputs into shards `PREFIX-00000-of-0000N.npy` …, and writes `PREFIX.index.json` once all are complete.
 * Shards that a run with the same arguments has already made are not made again: a run that was cut off continues at
 * the first missing one, and several machines can make one each. The ids of the shards, one after the other, are those
 * of the inputs.
 *
 * @param prefix The path and beginning of the file names.
 * @throws {UserError} If existing shards were made with other arguments, or the inputs cannot be divided.
 */
export async function encodeShards(
  tokenizer: Tokenizer,
  inputs: readonly TextInput[],
  prefix: string,
  options: EncodeShardsOptions,
): Promise<ShardIndex> {
  const specials = specialsFor(tokenizer.vocabulary, options);
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
      ...(options.addSpecial === true && { addSpecial: true }),
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
  // Anything unusual about an input shows in each of its shards.
  const warnings = new Set<string>();
  const onWarning = (message: string) => {
    if (!warnings.has(message)) options.onWarning?.(message);
    warnings.add(message);
  };
  let done: EncodeProgress = { storedBytes: 0, bytes: 0, tokens: 0 };
  for (const [number, shard] of shards.entries()) {
    if (options.only !== undefined && number !== options.only) continue;
    const { path } = wantedShards[number];
    const there = replace ? undefined : await shardAt(wantedShards[number]);
    if (there === undefined) {
      const before = done;
      // With many shards, one may have no text. Another machine may have made it meanwhile, with the same bytes.
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
 * Writes the index before the first shard, and refuses that of a different run. Several machines may do so at once: all
 * write the same, except for the time. Returns the index.
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
  // Somebody has removed it since.
  if (found === undefined) return await claim(prefix, index, replace);
  const name = differenceOf(index, found);
  if (name === undefined) return found;
  throw new UserError(
    say`Cannot continue the shards of ${path}: got another ${name} than the one they were made with. Choose another name for the output, or replace them: ${
      option("replace", true)
    }`,
  );
}

async function readIndex(path: string): Promise<ShardIndex | undefined> {
  const text = await readTextIfPresent(path, MAX_INDEX_BYTES, INDEX_NEXT_STEP);
  return text === undefined ? undefined : parseShardIndex(text, path);
}

/** The arguments in which the shards of two indexes differ. */
function differenceOf(index: ShardIndex, found: ShardIndex): string | undefined {
  const wanted: Readonly<Record<string, unknown>> = { ...index.arguments, numShards: index.numShards };
  const given: Readonly<Record<string, unknown>> = { ...found.arguments, numShards: found.numShards };
  // Written down only where there is one.
  return [...Object.keys(wanted), "documentSeparator", "addSpecial"].find((name) =>
    JSON.stringify(wanted[name]) !== JSON.stringify(given[name]) &&
    // An early version did not write it.
    !(name === "text" && given[name] === undefined)
  );
}

/**
 * Fills in the shards, if all are complete.
 * @throws {UserError} If the index by now belongs to another run, or a shard does, after this run made all of them.
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
    if (there === undefined) {
      if (only === undefined) throw takenAway(prefix, shard.path);
      return { ...index, shards: [], tokens: null, provenance };
    }
    bytes = bytes === null || there.bytes === undefined ? null : bytes + there.bytes;
    shards.push({ name: nameOf(shard.path), tokens: there.tokens });
  }
  const found = await readIndex(indexName(prefix));
  if (found !== undefined && differenceOf(index, found) !== undefined) throw takenAway(prefix, indexName(prefix));
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
    }: ${path} was removed or replaced meanwhile. Encode again when nothing else is writing there`,
  );
}
