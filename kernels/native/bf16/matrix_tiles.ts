import { type Assembler, Label } from "../assembler.ts";
import { at, r10, r12, r14, r15, r8, rax, rbx, rcx, rdi, rdx, type Register, rsi } from "../operands.ts";
import {
  clearTile,
  encodeTileSizes,
  loadTile,
  loadTileSizes,
  multiplyTiles,
  releaseTiles,
  storeTile,
  type TileSize,
} from "../tile_instructions.ts";
import { BLOCK, PITCH, PRODUCT_PARAMETERS } from "./product_shape.ts";
import type { Tiles } from "./tiles.ts";

/** Rows, and columns, of a register of sums. */
const SIDE = 16;

/** Sums of 32 by 32 by AMX: four registers of 16 by 16, beside two of A and two of B. */
export class MatrixTiles implements Tiles {
  readonly #assembler: Assembler;
  readonly #cRowBytes: number;
  /** What `loadTileSizes` reads, by what is in it. */
  readonly #sizes = new Map<string, { readonly label: Label; readonly bytes: Uint8Array }>();

  constructor(assembler: Assembler, cRowBytes: number) {
    this.#assembler = assembler;
    this.#cRowBytes = cRowBytes;
  }

  begin(height: number, columns: number): void {
    const bytes = encodeTileSizes(sizesOf(height, columns));
    const key = bytes.join();
    const { label } = this.#sizes.get(key) ?? { label: new Label() };
    this.#sizes.set(key, { label, bytes });
    this.#assembler.addressOf(rax, label);
    loadTileSizes(this.#assembler, at(rax));
  }

  tile(height: number, columns: number): void {
    const assembler = this.#assembler;
    const [rows, across] = [parts(height), parts(columns)];
    const panelStep = across.length * SIDE * 4;
    const [next, clear, ready] = [new Label(), new Label(), new Label()];
    const sums = rows.flatMap((_, i) =>
      across.map((_, j) => ({
        ...{ tile: tileOf(i, j, across.length), i, j },
        place: strided(rcx, i * SIDE * this.#cRowBytes + j * SIDE * 4, r12),
      }))
    );
    const firstOperand = rows.length * across.length;
    const [a, b] = [rows.map((_, i) => firstOperand + i), across.map((_, j) => firstOperand + rows.length + j)];
    assembler.moveNumber(r12, BigInt(this.#cRowBytes));
    assembler.moveNumber(rbx, BigInt(PITCH));
    assembler.moveNumber(r10, BigInt(panelStep));
    assembler.compareMemory(at(rdi, 8 + PRODUCT_PARAMETERS.accumulate * 4), 0);
    assembler.jumpIf("equal", clear);
    for (const { tile, place } of sums) loadTile(assembler, tile, place);
    assembler.jump(ready);
    assembler.bind(clear);
    for (const { tile } of sums) clearTile(assembler, tile);
    assembler.bind(ready);
    assembler.move(rax, rsi);
    assembler.move(rdx, r15);
    assembler.move(r8, r14);
    assembler.align(32);
    assembler.bind(next);
    rows.forEach((_, i) => loadTile(assembler, a[i], strided(rax, i * SIDE * PITCH, rbx)));
    across.forEach((_, j) => loadTile(assembler, b[j], strided(rdx, j * SIDE * 4, r10)));
    for (const { tile, i, j } of sums) multiplyTiles(assembler, tile, a[i], b[j]);
    assembler.operateNumber("add", rax, BLOCK * 2);
    assembler.operateNumber("add", rdx, BLOCK / 2 * panelStep);
    assembler.operateNumber("sub", r8, 1);
    assembler.jumpIf("notEqual", next);
    for (const { tile, place } of sums) storeTile(assembler, place, tile);
  }

  end(): void {
    releaseTiles(this.#assembler);
  }

  finish(): void {
    this.#assembler.align(64);
    for (const { label, bytes } of this.#sizes.values()) {
      this.#assembler.bind(label);
      this.#assembler.bytes(bytes);
    }
  }
}

/** A place with an index of so many bytes for each row. */
function strided(base: Register, displacement: number, rowBytes: Register) {
  return { base, index: rowBytes, scale: 1 as const, displacement };
}

/** So many rows or columns, in registers of 16: one or two. */
function parts(count: number): number[] {
  return count > SIDE ? [SIDE, count - SIDE] : [count];
}

function tileOf(i: number, j: number, across: number): number {
  return i * across + j;
}

/** Of the sums, then of A, then of B. */
function sizesOf(height: number, columns: number): TileSize[] {
  const [rows, across] = [parts(height), parts(columns)];
  return [
    ...rows.flatMap((rows) => across.map((columns) => ({ rows, bytes: columns * 4 }))),
    ...rows.map((rows) => ({ rows, bytes: BLOCK * 2 })),
    ...across.map((columns) => ({ rows: BLOCK / 2, bytes: columns * 4 })),
  ];
}
