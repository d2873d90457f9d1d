import { nameOf, parentOf } from "../io/parent_of.ts";

/** The paths of what is there of shards, and of their index, whose names begin with `prefix`. */
export async function listShardFiles(prefix: string): Promise<string[]> {
  const [directory, base] = [parentOf(prefix), nameOf(prefix)];
  const paths: string[] = [];
  try {
    for await (const { name } of Deno.readDir(directory)) {
      if (!name.startsWith(base) || !/^(-\d{5}-of-\d{5}\.npy|\.index\.json)$/.test(name.slice(base.length))) continue;
      paths.push(`${directory}/${name}`);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return paths;
}
