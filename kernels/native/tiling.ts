import type { InstructionSet } from "./instruction_set.ts";

/** How rows are cut into tiles of one height, or one less: so that no tile is all but empty. */
export class Tiling {
  /** How many tiles. */
  readonly tiles: number;
  /** Of the first ones, and of those after them, if there are any, else 0. */
  readonly heights: readonly [number, number];
  /** How many tiles are of the first height. */
  readonly firstTiles: number;

  /** Cuts so many rows, at least one. */
  constructor(rows: number, { tileRows }: Pick<InstructionSet, "tileRows">) {
    this.tiles = Math.ceil(rows / tileRows);
    const short = Math.floor(rows / this.tiles);
    const tall = rows - this.tiles * short;
    this.heights = tall > 0 ? [short + 1, short] : [short, 0];
    this.firstTiles = tall > 0 ? tall : this.tiles;
  }

  /** The first row of a tile; of the one behind the last, how many rows there are. */
  rowOf(tile: number): number {
    const { firstTiles, heights } = this;
    return tile <= firstTiles ? tile * heights[0] : firstTiles * heights[0] + (tile - firstTiles) * heights[1];
  }

  /** How many of some neighbouring tiles are of the first height, and how many of the other. */
  count(first: number, end: number): [number, number] {
    return [
      Math.max(0, Math.min(end, this.firstTiles) - first),
      Math.max(0, end - Math.max(first, this.firstTiles)),
    ];
  }
}

/** The start of part `part` when `count` things are cut into so many nearly equal parts. */
export function share(count: number, part: number, parts: number): number {
  return Math.floor(count * part / parts);
}

/** Where each of so many nearly equal parts of `count` things begins, and the end of the last. */
export function shares(count: number, parts: number): number[] {
  return Array.from({ length: parts + 1 }, (_, part) => share(count, part, parts));
}
