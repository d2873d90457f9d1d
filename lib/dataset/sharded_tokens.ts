import { call, say, UserError } from "../errors.ts";
import { readTextIfPresent } from "../io/read_text.ts";
import { NpyReader } from "./npy_file.ts";
import { newTokenArray, type TokenArray, type TokenDtype } from "./npy_format.ts";
import type { TokenProvenance } from "./provenance.ts";
import { INDEX_NEXT_STEP, MAX_INDEX_BYTES, parseShardIndex } from "./shard_index.ts";
import type { TokenSource } from "./token_source.ts";
import { requireTokenizerOf } from "./tokenizer_id.ts";

/** Several token files as one row of tokens, open for reading by range. Close it, or declare it with `using`. */
export class ShardedTokens implements TokenSource, Disposable {
  /** The index file's path. */
  readonly name: string;
  /** Type of the ids in every file. */
  readonly dtype: TokenDtype;
  readonly length: number;
  readonly provenance?: TokenProvenance;
  readonly #shards: readonly { readonly start: number; readonly reader: NpyReader }[];

  private constructor(name: string, dtype: TokenDtype, readers: readonly NpyReader[], provenance?: TokenProvenance) {
    this.name = name;
    this.provenance = provenance;
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
   * Opens the shards of an index that encode wrote; they must be beside it.
   * @throws {UserError} If the index is invalid or unfinished, or a shard is missing or not as recorded.
   * @throws {Deno.errors.NotFound} If there is no index.
   */
  static async open(path: string): Promise<ShardedTokens> {
    const { dtype, shards, numShards, provenance } = parseShardIndex(await readIndex(path), path);
    if (shards.length === 0) throw unusable(path, `none of ${numShards} shards listed, as long as some are missing`);
    const directory = path.slice(0, path.lastIndexOf("/") + 1);
    const readers: NpyReader[] = [];
    try {
      for (const { name, tokens } of shards) {
        const reader = await openShard(`${directory}${name}`, path);
        readers.push(reader);
        if (provenance) requireTokenizerOf(reader, provenance.tokenizer);
        if (reader.length !== tokens || reader.dtype !== dtype) {
          throw unusable(path, `${reader.length} ids of ${reader.dtype} in ${name} instead of ${tokens} of ${dtype}`);
        }
      }
      return new ShardedTokens(path, dtype, readers, provenance);
    } catch (error) {
      for (const reader of readers) reader.close();
      throw error;
    }
  }

  /**
   * The ids at positions `start` (inclusive) to `end` (exclusive) of the whole row.
   * @throws {RangeError} If the range is not within the row.
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

  /** Closes every file. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** Opens a .npy file, or shards by their index file (`….json`). */
export async function openTokens(path: string): Promise<NpyReader | ShardedTokens> {
  return path.endsWith(".json") ? await ShardedTokens.open(path) : await NpyReader.open(path);
}

async function readIndex(path: string): Promise<string> {
  const text = await readTextIfPresent(path, MAX_INDEX_BYTES, INDEX_NEXT_STEP);
  if (text === undefined) throw new Deno.errors.NotFound(`No such file: ${path}`);
  return text;
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
    say`Cannot use shards ${path}: got ${got}, must be an index that encode wrote, with its shards beside it. Write them again with: ${
      call("encodeShards")
    }`,
  );
}
