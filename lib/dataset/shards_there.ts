// Shards that are there already: whether they are of this run, or of another text, another way to encode, or another's.
import { option, say, UserError } from "../errors.ts";
import { exists } from "../io/exists.ts";
import { nameOf } from "../io/parent_of.ts";
import { NpyReader } from "./npy_file.ts";
import { provenancePath, type TokenProvenance } from "./provenance.ts";
import { indexName, listShardFiles, shardName } from "./shard_files.ts";
import { requireTokenizerOf } from "./tokenizer_id.ts";

/** What is there of a shard that is of this run. */
export interface ThereShard {
  /** Ids in it. */
  readonly tokens: number;
  /** Bytes of its text; `null` where it does not say. */
  readonly bytes: number | null;
}

/** A shard as this run makes it. */
export interface WantedShard {
  /** Where its file is. */
  readonly path: string;
  /** Where its ids come from. Not asked for unless there is a file: it reads some of the text. */
  readonly provenance: () => Promise<TokenProvenance>;
  /** Whether the index is of an early version, whose shards say little or nothing of where they are from. */
  readonly isEarly: boolean;
}

/**
 * What a shard holds that is there already; `null` if it is to be made: nothing is there, or a shard that was made from
 * another text or otherwise, or one whose maker was killed before it wrote down where the ids are from.
 *
 * @throws {UserError} If what is there is no token file, or one that somebody else put there.
 */
export async function shardAt({ path, provenance, isEarly }: WantedShard): Promise<ThereShard | null> {
  try {
    using reader = await NpyReader.open(path);
    const own = reader.provenance;
    const there = { tokens: reader.length, bytes: own?.text?.bytes ?? null };
    if (own === undefined) return isEarly ? there : null;
    const wanted = await provenance();
    if (own.text !== undefined) return isSame(own, wanted) ? there : null;
    requireTokenizerOf(reader, wanted.tokenizer);
    if (isEarly) return there;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  throw new UserError(
    say`Cannot go on with the shards of ${path}: got one that does not say which text it is of, must be a shard that encode made. Move it, or replace it: ${
      option("replace", true)
    }`,
  );
}

/** Whether the same text was encoded in the same way. */
function isSame(a: TokenProvenance, b: TokenProvenance): boolean {
  return a.tokenizer.sha256 === b.tokenizer.sha256 && a.text?.fingerprint === b.text?.fingerprint &&
    a.specials === b.specials && a.separatorId === b.separatorId &&
    a.documentSeparator?.text === b.documentSeparator?.text && a.documentSeparator?.id === b.documentSeparator?.id &&
    // An early version did not write it.
    (a.field === undefined || a.field === b.field);
}

/**
 * Checks, where there is no index yet, that no file of a shard's name is there which is not a shard of this run.
 * @throws {UserError} If there is one, which is named.
 */
export async function requireNoOthers(prefix: string, wanted: readonly WantedShard[]): Promise<void> {
  if (await exists(indexName(prefix))) return;
  const there = new Set((await listShardFiles(prefix, wanted.length)).map(nameOf));
  if (there.size === 0) return;
  for (const [number, shard] of wanted.entries()) {
    const path = shardName(prefix, number, wanted.length);
    const beside = provenancePath(path);
    const first = [path, beside].find((file) => there.has(nameOf(file)));
    if (first === undefined || first === path && await shardAt(shard) !== null) continue;
    // Another machine began with them meanwhile.
    if (await exists(indexName(prefix))) return;
    throw new UserError(
      say`Cannot write ${first}: got a file that is there and is not of these shards, must be a new one. Choose another name for the output, or replace it: ${
        option("replace", true)
      }`,
    );
  }
}
