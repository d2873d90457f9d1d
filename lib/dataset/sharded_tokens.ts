import { UserError } from "../errors.ts";
import type { ShardIndex } from "./encode_shards.ts";
import { NpyReader } from "./npy_file.ts";
import { newTokenArray, type TokenArray, type TokenDtype } from "./npy_format.ts";
import type { TokenSource } from "./token_source.ts";

/** Token files that are one row of tokens, open for reading by range. Close it, or declare it with `using`. */
export class ShardedTokens implements TokenSource, Disposable {
  /** The index file's path. */
  readonly name: string;
  readonly dtype: TokenDtype;
  readonly length: number;
  readonly #shards: readonly { readonly start: number; readonly reader: NpyReader }[];

  private constructor(name: string, dtype: TokenDtype, readers: readonly NpyReader[]) {
    this.name = name;
    this.dtype = dtype;
    let length = 0;
    this.#shards = readers.map((reader) => {
      const start = length;
      length += reader.length;
      return { start, reader };
    });
    this.length = length;
  }

  /**
   * Opens the shards of an index that encode wrote; they lie beside it.
   * @throws {UserError} If the index is not one, is not finished, or a shard is missing or is not what it says.
   */
  static async open(path: string): Promise<ShardedTokens> {
    const { dtype, shards } = parseIndex(await Deno.readTextFile(path), path);
    const directory = path.slice(0, path.lastIndexOf("/") + 1);
    const readers: NpyReader[] = [];
    try {
      for (const { name, tokens } of shards) {
        const reader = await openShard(`${directory}${name}`, path);
        readers.push(reader);
        if (reader.length !== tokens || reader.dtype !== dtype) {
          throw unusable(path, `${reader.length} ids of ${reader.dtype} in ${name} instead of ${tokens} of ${dtype}`);
        }
      }
      return new ShardedTokens(path, dtype, readers);
    } catch (error) {
      for (const reader of readers) reader.close();
      throw error;
    }
  }

  /**
   * The ids at positions `start` (inclusive) to `end` (exclusive) of the whole row.
   * @throws {RangeError} If the range is not within it.
   */
  async read(start = 0, end = this.length): Promise<TokenArray> {
    if (!(start >= 0 && start <= end && end <= this.length)) {
      throw new RangeError(`Cannot read ids ${start} to ${end}: got ${this.length} ids, must be within them`);
    }
    const ids = newTokenArray(this.dtype, end - start);
    for (const { start: first, reader } of this.#shards) {
      const from = Math.max(start, first);
      const to = Math.min(end, first + reader.length);
      if (from < to) ids.set(await reader.read(from - first, to - first), from - start);
    }
    return ids;
  }

  /** Closes every file. */
  close(): void {
    for (const { reader } of this.#shards) reader.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Opens a .npy file, or shards by their index file (`….json`). */
export async function openTokens(path: string): Promise<NpyReader | ShardedTokens> {
  return path.endsWith(".json") ? await ShardedTokens.open(path) : await NpyReader.open(path);
}

function parseIndex(text: string, path: string): Pick<ShardIndex, "dtype" | "shards"> {
  let index: Partial<ShardIndex> | null;
  try {
    index = JSON.parse(text) as Partial<ShardIndex> | null;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw unusable(path, `text that is not JSON (${error.message})`);
  }
  const { dtype, shards, numShards } = index ?? {};
  if (!Array.isArray(shards) || (dtype !== "uint16" && dtype !== "uint32")) throw unusable(path, "no list of shards");
  if (shards.length !== numShards) throw unusable(path, `${shards.length} of ${numShards} shards, the rest missing`);
  return { dtype, shards };
}

async function openShard(shardPath: string, path: string): Promise<NpyReader> {
  try {
    return await NpyReader.open(shardPath);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw unusable(path, `no ${shardPath}`);
    throw error;
  }
}

function unusable(path: string, got: string): UserError {
  return new UserError(
    `Cannot use shards ${path}: got ${got}, must be an index that encode wrote, with its shards beside it. ` +
      `Write them again with: deno task encode`,
  );
}
