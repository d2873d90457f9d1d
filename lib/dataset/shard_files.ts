// The names of shards' files.
import { nameOf, parentOf } from "../io/parent_of.ts";

/** `train-00003-of-00012.npy` for the prefix `train`. */
export function shardName(prefix: string, shard: number, numShards: number): string {
  const digits = (n: number) => String(n).padStart(5, "0");
  return `${prefix}-${digits(shard)}-of-${digits(numShards)}.npy`;
}

/** `train.index.json` for the prefix `train`. */
export function indexName(prefix: string): string {
  return `${prefix}.index.json`;
}

const AFTER_PREFIX = /^(-\d{5}-of-(?<numShards>\d{5})\.npy(\.provenance\.json)?|\.index\.json)$/;

/**
 * The paths of existing shards, of the files beside them, and of their index, whose names begin with `prefix`.
 * @param numShards Only those of a set of this many shards, without the index. Default: all.
 */
export async function listShardFiles(prefix: string, numShards?: number): Promise<string[]> {
  const [directory, base] = [parentOf(prefix), nameOf(prefix)];
  const paths: string[] = [];
  try {
    for await (const { name } of Deno.readDir(directory)) {
      const match = name.startsWith(base) ? AFTER_PREFIX.exec(name.slice(base.length)) : null;
      if (match === null || numShards !== undefined && Number(match.groups!.numShards) !== numShards) continue;
      paths.push(`${directory}/${name}`);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return paths.sort();
}
