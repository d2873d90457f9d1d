// Token ids in several files, each of which is made alone: by another run, or on another machine.
import { UserError } from "../errors.ts";
import { writeFileAtomically } from "../io/atomic.ts";
import { readTextIfPresent } from "../io/read_text.ts";
import { PathExistsError } from "../io/rename_to_new.ts";
import { SpecialTokens } from "../tokenizer/special_tokens.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import {
  type EncodePartsOptions,
  encodePartsToNpy,
  type EncodeProgress,
  provenanceOf,
  wholeInputs,
} from "./encode_parts.ts";
import { NpyReader } from "./npy_file.ts";
import { tokenDtype } from "./npy_format.ts";
import type { TokenProvenance } from "./provenance.ts";
import {
  formatShardIndex,
  INDEX_NEXT_STEP,
  MAX_INDEX_BYTES,
  parseShardIndex,
  type ShardEntry,
  type ShardIndex,
} from "./shard_index.ts";
import { planShards, type ShardSize } from "./shard_plan.ts";
import type { TextInput } from "./text_inputs.ts";
import { requireTokenizerOf } from "./tokenizer_id.ts";

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
    },
    dtype: tokenDtype(tokenizer.vocabSize),
    numShards: shards.length,
    shards: [],
    tokens: null,
    provenance,
  };
  const index = await claim(prefix, wanted, options.replace ?? false);
  let done: EncodeProgress = { storedBytes: 0, bytes: 0, tokens: 0 };
  for (const [number, shard] of shards.entries()) {
    if (options.only !== undefined && number !== options.only) continue;
    const path = shardName(prefix, number, shards.length);
    const there = options.replace ? null : await shardAt(path, index.provenance);
    if (there === null) {
      const before = done;
      // Of text that is cut into many shards, one may have none. Another machine may have made it meanwhile: the same bytes.
      const made = { ...options, mayBeEmpty: true, replace: true };
      done = await encodePartsToNpy(tokenizer, shard, path, made, before);
      options.onShard?.(path, done.tokens - before.tokens, true);
    } else {
      options.onShard?.(path, there.tokens, false);
    }
  }
  return await finish(prefix, index);
}

const indexPath = (prefix: string) => `${prefix}.index.json`;

/**
 * Writes the index before the first shard; refuses one of another run. Several machines may do so at once: all write the
 * same but for the time. Returns the index that is there.
 */
async function claim(prefix: string, index: ShardIndex, replace: boolean): Promise<ShardIndex> {
  const path = indexPath(prefix);
  try {
    await writeFileAtomically(path, formatShardIndex(index), { replace });
    return index;
  } catch (error) {
    if (!(error instanceof PathExistsError)) throw error;
  }
  const before = await readTextIfPresent(path, MAX_INDEX_BYTES, INDEX_NEXT_STEP);
  // Somebody took it away since.
  if (before === null) return await claim(prefix, index, replace);
  const found = parseShardIndex(before, path);
  const wanted: Readonly<Record<string, unknown>> = { ...index.arguments, numShards: index.numShards };
  const given: Readonly<Record<string, unknown>> = { ...found.arguments, numShards: found.numShards };
  for (const name of Object.keys(wanted)) {
    if (JSON.stringify(wanted[name]) === JSON.stringify(given[name])) continue;
    // An early version did not write it.
    if (name === "text" && given[name] === undefined) continue;
    throw new UserError(
      `Cannot go on with the shards of ${path}: got another ${name} than they were made with, must be the same. Choose another name for the output, or replace them with --force`,
    );
  }
  return found;
}

/** Fills in the shards, if all are there. */
async function finish(prefix: string, { provenance, ...index }: ShardIndex): Promise<ShardIndex> {
  const shards: ShardEntry[] = [];
  let bytes: number | null = 0;
  for (let shard = 0; shard < index.numShards; shard++) {
    const path = shardName(prefix, shard, index.numShards);
    const there = await shardAt(path, provenance);
    if (there === null) return { ...index, shards: [], tokens: null, provenance };
    const { tokens, text } = there;
    bytes = bytes === null || typeof text?.bytes !== "number" ? null : bytes + text.bytes;
    shards.push({ name: path.slice(path.lastIndexOf("/") + 1), tokens });
  }
  const complete = {
    ...index,
    shards,
    tokens: shards.reduce((sum, { tokens }) => sum + tokens, 0),
    ...(provenance &&
      { provenance: { ...provenance, ...(provenance.text && { text: { ...provenance.text, bytes } }) } }),
  };
  await writeFileAtomically(indexPath(prefix), formatShardIndex(complete));
  return complete;
}

/**
 * What a shard holds that is there already.
 * @throws {UserError} If its ids are of another tokenizer than the others'.
 */
async function shardAt(path: string, provenance?: TokenProvenance) {
  try {
    using reader = await NpyReader.open(path);
    if (provenance) requireTokenizerOf(reader, provenance.tokenizer);
    // Its maker was killed before it wrote down where the ids are from. Early versions never did.
    if (provenance?.text && !reader.provenance) return null;
    return { tokens: reader.length, text: reader.provenance?.text };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
