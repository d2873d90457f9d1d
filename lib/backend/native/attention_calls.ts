import type { AttentionPlan } from "../../../kernels/native/attention_plan.ts";
import { PACKING_PARAMETERS as PACKING } from "../../../kernels/native/packing.ts";
import { PRODUCT_PARAMETERS as PRODUCT } from "../../../kernels/native/product_shape.ts";
import type { NativeFunction } from "./native_function.ts";
import type { Parameters } from "./parameters.ts";

/** Some neighbouring tiles of rows. */
export interface Tiles {
  readonly first: number;
  readonly end: number;
}

/** What attention's kernels are called with again and again; addresses are WebAssembly's. */
export class AttentionCalls {
  constructor(readonly plan: AttentionPlan, readonly parameters: Parameters, readonly scratch: number) {}

  /** Packs the first `keys` of a head's keys, or values, for a product with their transpose. */
  packAcross(pack: NativeFunction, from: number, to: number, keys: number): void {
    const { words, pointer } = this.parameters;
    words[PACKING.from] = from;
    words[PACKING.to] = to;
    words[PACKING.depth] = this.plan.sizes.headDim;
    this.#setKeyPanels(PACKING.wholePanels, keys);
    pack(pointer);
  }

  /** Packs rows of a head for a product with them. */
  packAlong(pack: NativeFunction, from: number, to: number, rows: number): void {
    const { words, pointer } = this.parameters;
    words[PACKING.from] = from;
    words[PACKING.to] = to;
    words[PACKING.depth] = rows;
    this.#setHeadPanels(PACKING.wholePanels);
    pack(pointer);
  }

  /** Packs the first `keys` rows of a head of keys, or values, in blocks that are one product's depth each. */
  packBlocks(pack: NativeFunction, from: number, to: number, keys: number): void {
    const { depths, keyBytes } = this.plan;
    for (let block = 0; depths[block] < keys; block++) {
      const rows = Math.min(depths[block + 1], keys) - depths[block];
      this.packAlong(pack, from + depths[block] * keyBytes, to + this.#blockBytes(depths[block]), rows);
    }
  }

  /** Products of queries with the first `keys` keys that lie packed. */
  multiplyScores(multiply: NativeFunction, tiles: Tiles, a: number, packed: number, to: number, keys: number): void {
    const { headDim } = this.plan.sizes;
    this.#set(tiles, a, packed, to, headDim);
    const { words, pointer } = this.parameters;
    this.#setKeyPanels(PRODUCT.wholePanels, keys);
    words[PRODUCT.accumulate] = 0;
    words[PRODUCT.panelBytes] = this.plan.panelColumns * headDim * 4;
    multiply(pointer);
  }

  /** c (+)= a by the first `keys` rows, of `packed` that lie packed by `packBlocks`. */
  multiplySums(
    multiply: NativeFunction,
    tiles: Tiles,
    { a, packed, c, keys, packedKeys, accumulate }: {
      readonly a: number;
      readonly packed: number;
      readonly c: number;
      readonly keys: number;
      readonly packedKeys: number;
      readonly accumulate: boolean;
    },
  ): void {
    const { depths, panelColumns } = this.plan;
    const { words, pointer } = this.parameters;
    for (let block = 0; depths[block] < keys; block++) {
      const begin = depths[block];
      const end = depths[block + 1];
      this.#set(tiles, a + begin * 4, packed + this.#blockBytes(begin), c, Math.min(end, keys) - begin);
      this.#setHeadPanels(PRODUCT.wholePanels);
      words[PRODUCT.accumulate] = accumulate || begin > 0 ? 1 : 0;
      words[PRODUCT.panelBytes] = panelColumns * (Math.min(end, packedKeys) - begin) * 4;
      multiply(pointer);
    }
  }

  /** c (+)= aᵀ by `rows` rows that lie packed by `packAlong`. */
  multiplyTransposed(
    multiply: NativeFunction,
    tiles: Tiles,
    { a, packed, c, rows, accumulate }: {
      readonly a: number;
      readonly packed: number;
      readonly c: number;
      readonly rows: number;
      readonly accumulate: boolean;
    },
  ): void {
    if (tiles.first === tiles.end) return;
    this.#set(tiles, a, packed, c, rows);
    const { words, pointer } = this.parameters;
    this.#setHeadPanels(PRODUCT.wholePanels);
    words[PRODUCT.accumulate] = accumulate ? 1 : 0;
    words[PRODUCT.panelBytes] = this.plan.panelColumns * rows * 4;
    multiply(pointer);
  }

  #set({ first, end }: Tiles, a: number, b: number, c: number, depth: number): void {
    const { words } = this.parameters;
    words[PRODUCT.a] = a;
    words[PRODUCT.b] = b;
    words[PRODUCT.c] = c;
    words[PRODUCT.copy] = this.scratch + this.plan.scratch.copy;
    words[PRODUCT.depth] = depth;
    [words[PRODUCT.firstTiles], words[PRODUCT.laterTiles]] = this.plan.queries.count(first, end);
  }

  /** The panels of so many keys; in the next word, whether the last is that at the edge. */
  #setKeyPanels(word: number, keys: number): void {
    const { panelColumns, sizes: { S } } = this.plan;
    const panels = Math.ceil(keys / panelColumns);
    const whole = Math.floor(S / panelColumns);
    this.parameters.words[word] = Math.min(panels, whole);
    this.parameters.words[word + 1] = panels > whole ? 1 : 0;
  }

  #setHeadPanels(word: number): void {
    const { panelColumns, sizes: { headDim } } = this.plan;
    this.parameters.words[word] = Math.floor(headDim / panelColumns);
    this.parameters.words[word + 1] = headDim % panelColumns > 0 ? 1 : 0;
  }

  /** Bytes that so many rows take, packed by `packBlocks`. */
  #blockBytes(rows: number): number {
    const { lanes, sizes: { headDim } } = this.plan;
    return rows * Math.ceil(headDim / lanes) * lanes * 4;
  }
}
