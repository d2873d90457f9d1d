// Examines existing shards: made by this run, from another text, with other settings, or by somebody else.
import { option, say, UserError } from "../errors.ts";
import { exists } from "../io/exists.ts";
import { nameOf } from "../io/parent_of.ts";
import { NpyReader } from "./npy_file.ts";
import { provenancePath, type TokenProvenance } from "./provenance.ts";
import { indexName, listShardFiles, shardName } from "./shard_files.ts";
import { requireTokenizerOf } from "./tokenizer_id.ts";

/** An existing shard of this run. */
export interface ThereShard {
  /** Ids in it. */
  readonly tokens: number;
  /** Bytes of its text; absent if it does not record that. */
  readonly bytes?: number;
}

/** A shard as this run makes it. */
export interface WantedShard {
  /** The path of its file. */
  readonly path: string;
  /** Where its ids come from. Called only if there is a file, because it reads some of the text. */
  readonly provenance: () => Promise<TokenProvenance>;
  /** Whether the index is of an early version, whose shards record little or nothing about where they come from. */
  readonly isEarly: boolean;
}

/**
 * An existing shard; `undefined` if it must be made: there is none, it was made from another text or with other
 * settings, or its maker was killed before it recorded where the ids come from.
 *
 * @throws {UserError} If the file there is not a token file, or somebody else put it there.
 */
export async function shardAt({ path, provenance, isEarly }: WantedShard): Promise<ThereShard | undefined> {
  try {
    using reader = await NpyReader.open(path);
    const own = reader.provenance;
    const there = { tokens: reader.length, bytes: own?.text?.bytes ?? undefined };
    if (own === undefined) return isEarly ? there : undefined;
    const wanted = await provenance();
    if (own.text !== undefined) return isSame(own, wanted) ? there : undefined;
    requireTokenizerOf(reader, wanted.tokenizer);
    if (isEarly) return there;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  throw new UserError(
    say`Cannot continue the shards of ${path}: got one that does not say which text it is of, must be a shard that encode made. Move it, or replace it: ${
      option("replace", true)
    }`,
  );
}

/** Whether the same text was encoded in the same way. */
function isSame(a: TokenProvenance, b: TokenProvenance): boolean {
  return a.tokenizer.sha256 === b.tokenizer.sha256 && a.text?.fingerprint === b.text?.fingerprint &&
    a.specials === b.specials && a.separatorId === b.separatorId && a.addSpecial === b.addSpecial &&
    a.documentSeparator?.text === b.documentSeparator?.text && a.documentSeparator?.id === b.documentSeparator?.id &&
    // An early version did not write it.
    (a.field === undefined || a.field === b.field);
}

/**
 * Checks, if there is no index yet, that any file with a shard's name is a shard of this run.
 * @throws {UserError} If one is not, naming it.
 */
export async function requireNoOthers(prefix: string, wanted: readonly WantedShard[]): Promise<void> {
  if (await exists(indexName(prefix))) return;
  const there = new Set((await listShardFiles(prefix, wanted.length)).map(nameOf));
  if (there.size === 0) return;
  for (const [number, shard] of wanted.entries()) {
    const path = shardName(prefix, number, wanted.length);
    const beside = provenancePath(path);
    const first = [path, beside].find((file) => there.has(nameOf(file)));
    if (first === undefined || first === path && await shardAt(shard) !== undefined) continue;
    // Another machine has started on them meanwhile.
    if (await exists(indexName(prefix))) return;
    throw new UserError(
      say`Cannot write ${first}: got a file that is there and is not of these shards, must be a new one. Choose another name for the output, or replace it: ${
        option("replace", true)
      }`,
    );
  }
}
