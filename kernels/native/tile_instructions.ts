// The instructions of AMX, which multiplies matrices in registers of eight tiles: up to 16 rows of 64 bytes each.
// Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18, and volume 2.
import type { Assembler } from "./assembler.ts";
import { encodeMemory } from "./encode_vector.ts";
import type { Memory } from "./operands.ts";

/** A tile register, 0 to 7. */
export type TileRegister = number;

/** How large a tile is. */
export interface TileSize {
  readonly rows: number;
  /** Of a row. */
  readonly bytes: number;
}

/** Bytes of what `loadTileSizes` reads. */
export const TILE_SIZES_BYTES = 64;

/** What `loadTileSizes` reads, for the first tiles; the others are not used. */
export function encodeTileSizes(sizes: readonly TileSize[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(TILE_SIZES_BYTES);
  bytes[0] = 1;
  sizes.forEach((size, i) => {
    if (size.rows < 1 || size.rows > 16 || size.bytes < 4 || size.bytes > 64 || size.bytes % 4 !== 0) {
      const got = `${size.rows} rows of ${size.bytes} bytes`;
      throw new RangeError(`Cannot size a tile: got ${got}, must be up to 16 rows of up to 64 bytes in fours`);
    }
    bytes[16 + 2 * i] = size.bytes;
    bytes[48 + i] = size.rows;
  });
  return bytes;
}

/** Sets the sizes of all tiles, and clears them. Without an index: ldtilecfg. */
export function loadTileSizes(assembler: Assembler, from: Memory): void {
  assembler.bytes([...prefix(0, 0, 0, from), 0x49, ...encodeMemory(0, from)]);
}

/** Gives the tiles up, so that the system need not save them any more: tilerelease. */
export function releaseTiles(assembler: Assembler): void {
  assembler.bytes([...prefix(0, 0, 0), 0x49, 0xc0]);
}

/** All of a tile becomes 0: tilezero. */
export function clearTile(assembler: Assembler, tile: TileRegister): void {
  assembler.bytes([...prefix(3, tile, 0), 0x49, 0xc0 | tile << 3]);
}

/** Loads a tile's rows; the index holds the bytes from one to the next: tileloadd. */
export function loadTile(assembler: Assembler, to: TileRegister, from: Memory): void {
  assembler.bytes([...prefix(3, to, 0, from), 0x4b, ...encodeMemory(to, from)]);
}

/** Stores a tile's rows, likewise: tilestored. */
export function storeTile(assembler: Assembler, to: Memory, from: TileRegister): void {
  assembler.bytes([...prefix(2, from, 0, to), 0x4b, ...encodeMemory(from, to)]);
}

/**
 * sums += a · b of bf16 into float32: a has pairs along its rows, b the same pairs one below the other: tdpbf16ps.
 */
export function multiplyTiles(assembler: Assembler, sums: TileRegister, a: TileRegister, b: TileRegister): void {
  assembler.bytes([...prefix(2, sums, b), 0x5c, 0xc0 | sums << 3 | a]);
}

/** VEX, of 128 bits and map 0F 38. */
function prefix(mandatory: 0 | 1 | 2 | 3, register: TileRegister, second: TileRegister, memory?: Memory): number[] {
  if (register > 7 || second > 7) {
    throw new RangeError(`Cannot name tile ${Math.max(register, second)}: must be below 8`);
  }
  const inverted = (high: number) => high > 7 ? 0 : 1;
  return [
    0xc4,
    1 << 7 | inverted(memory?.index ?? 0) << 6 | inverted(memory?.base ?? 0) << 5 | 2,
    (~second & 15) << 3 | mandatory,
  ];
}
