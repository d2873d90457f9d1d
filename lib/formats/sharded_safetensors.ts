import { UserError } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";
import { JsonFields } from "../io/json_fields.ts";
import { parentOf } from "../io/parent_of.ts";
import { readTextIfPresent } from "../io/read_text.ts";
import { Safetensors } from "./safetensors.ts";
import { type TensorEntry, unusable } from "./safetensors_header.ts";

/** The name of the index that Hugging Face writes beside the shards. */
export const SAFETENSORS_INDEX = "model.safetensors.index.json";

/** An index has about 100 bytes for each tensor. */
const MAX_INDEX_BYTES = 1 << 26;

/** Tensors in files, of which each is read as float32 when it is needed. */
export interface FloatTensors extends Disposable {
  /** Every tensor's type and shape. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /**
   * Reads a tensor of type F32, F16 or BF16.
   * @throws {UserError} If there is none of that name, or it is of another type.
   */
  readFloats(name: string): Float32Array<ArrayBuffer>;
}

/**
 * Opens a .safetensors file, or several by their index (`….index.json`).
 * @throws {UserError} If it cannot be opened, or is not complete and consistent.
 */
export async function openSafetensors(path: string): Promise<FloatTensors> {
  return path.endsWith(".json") ? await ShardedSafetensors.open(path) : await Safetensors.open(path);
}

/**
 * Several .safetensors files with one index, as Hugging Face writes large models. One file is open at a time, the one that
 * was read last.
 *
 * Source: `save_pretrained` of transformers: `weight_map` names the file of each tensor.
 */
export class ShardedSafetensors implements FloatTensors {
  /** Every tensor's type and shape, and its place in its file; file after file. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly #index: string;
  readonly #shardOf: ReadonlyMap<string, string>;
  #open?: { readonly path: string; readonly file: Safetensors };

  private constructor(index: string, tensors: ReadonlyMap<string, TensorEntry>, shardOf: ReadonlyMap<string, string>) {
    this.#index = index;
    this.tensors = tensors;
    this.#shardOf = shardOf;
  }

  /**
   * Reads the index and the header of every file that it names.
   * @throws {UserError} If the index or a file is missing or damaged, or a tensor is not in the file that the index names,
   *   or is in one without being in the index.
   */
  static async open(index: string): Promise<ShardedSafetensors> {
    const tensors = new Map<string, TensorEntry>(), shardOf = new Map<string, string>();
    for (const [shard, names] of await readIndex(index)) {
      const path = `${parentOf(index)}/${shard}`;
      using file = await openShard(path, shard, index);
      for (const [name, entry] of file.tensors) {
        if (!names.delete(name)) {
          throw unusable(
            index,
            `tensor ${excerpt(name)} in ${shard} that it does not list there`,
            "a list of all tensors",
          );
        }
        tensors.set(name, entry);
        shardOf.set(name, path);
      }
      for (const name of names) {
        throw unusable(index, `tensor ${excerpt(name)} listed in ${shard}, which has none`, "a list of what is there");
      }
    }
    return new ShardedSafetensors(index, tensors, shardOf);
  }

  /** The files that the index names. */
  get paths(): string[] {
    return [...new Set(this.#shardOf.values())];
  }

  /**
   * Reads a tensor of type F32, F16 or BF16.
   * @throws {UserError} If there is none of that name, it is of another type, or its file was changed since.
   */
  readFloats(name: string): Float32Array<ArrayBuffer> {
    const path = this.#shardOf.get(name);
    if (path === undefined) {
      throw new UserError(
        `Cannot read ${this.#index}: got no tensor ${excerpt(name)} in it, must be one of its tensors`,
      );
    }
    if (this.#open?.path !== path) {
      this.#open?.file[Symbol.dispose]();
      this.#open = undefined;
      this.#open = { path, file: Safetensors.openSync(path) };
    }
    const { file } = this.#open;
    requireSame(file.tensors.get(name), this.tensors.get(name), path);
    return file.readFloats(name);
  }

  /** Closes the file that is open. */
  [Symbol.dispose](): void {
    this.#open?.file[Symbol.dispose]();
    this.#open = undefined;
  }
}

/** The names of tensors by the file that has them. */
async function readIndex(index: string): Promise<Map<string, Set<string>>> {
  const nextStep = "Fetch it again";
  const text = await readTextIfPresent(index, MAX_INDEX_BYTES, nextStep);
  if (text === undefined) throw unusable(index, "no such file", "an index of .safetensors files");
  const map = JsonFields.parse(text, { name: index, nextStep }).object("weight_map");
  const shards = new Map<string, Set<string>>();
  for (const name of map.names) {
    const shard = map.string(name);
    // A path could lead anywhere.
    if (!/^[^/\\\p{Cc}]+\.safetensors$/u.test(shard)) {
      map.refuse(name, "the name of a .safetensors file beside the index");
    }
    shards.set(shard, (shards.get(shard) ?? new Set()).add(name));
  }
  return shards;
}

async function openShard(path: string, shard: string, index: string): Promise<Safetensors> {
  try {
    await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw unusable(index, `no file ${shard} beside it`, "beside the files that it lists. Fetch them all");
    }
    throw error;
  }
  return await Safetensors.open(path);
}

function requireSame(now: TensorEntry | undefined, before: TensorEntry | undefined, path: string): void {
  if (
    now?.dtype === before?.dtype && now?.byteOffset === before?.byteOffset && now?.byteLength === before?.byteLength
  ) {
    return;
  }
  throw unusable(path, "another file than when it was opened", "left as it is while it is read");
}
