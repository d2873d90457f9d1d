import { type Assembler, Label } from "../assembler.ts";
import { type InstructionSet, Lanes } from "../instruction_set.ts";
import { at, type Memory, r14, r15, r8, rax, rcx, rdi, rdx, rsi, zmm } from "../operands.ts";
import { BLOCK, PITCH, PRODUCT_PARAMETERS } from "./product_shape.ts";
import type { Tiles } from "./tiles.ts";

/** The edge's mask, and a free register. */
const MASK = 1;
const FREE = 31;
/** Pairs in the loop's body. */
const UNROLLED = 4;

/** Sums of 14 by 32 by AVX512_BF16: as kernels/native/product.ts has it for float32, with pairs in place of numbers. */
export class VectorTiles implements Tiles {
  readonly #assembler: Assembler;
  readonly #lanes: Lanes;
  readonly #cRowBytes: number;

  constructor(assembler: Assembler, set: InstructionSet, cRowBytes: number) {
    this.#assembler = assembler;
    this.#lanes = new Lanes(assembler, set);
    this.#cRowBytes = cRowBytes;
  }

  begin(): void {}

  tile(height: number, columns: number): void {
    const assembler = this.#assembler;
    const vectors = Math.ceil(columns / 16);
    const next = new Label();
    for (let i = 0; i < height * vectors; i++) this.#lanes.clear(i);
    assembler.move(rax, rsi);
    assembler.move(rdx, r15);
    assembler.move(r8, r14);
    assembler.shift("left", r8, Math.log2(BLOCK / 2 / UNROLLED));
    assembler.align(32);
    assembler.bind(next);
    for (let pair = 0; pair < UNROLLED; pair++) this.#step(height, vectors, pair);
    assembler.operateNumber("add", rax, UNROLLED * 4);
    assembler.operateNumber("add", rdx, UNROLLED * vectors * 64);
    assembler.operateNumber("sub", r8, 1);
    assembler.jumpIf("notEqual", next);
    this.#store(height, vectors, columns - (vectors - 1) * 16);
  }

  end(): void {}

  finish(): void {
    this.#lanes.finish();
  }

  /** A pair's part of each of the sums. */
  #step(height: number, vectors: number, pair: number): void {
    const assembler = this.#assembler;
    const sums = height * vectors;
    for (let j = 0; j < vectors; j++) this.#lanes.load(sums + j, at(rdx, (pair * vectors + j) * 64));
    for (let i = 0; i < height; i++) {
      const factor = zmm(sums + vectors + i % Math.min(32 - sums - vectors, 4));
      assembler.vector("vbroadcastss", [factor, at(rax, pair * 4 + i * PITCH)]);
      for (let j = 0; j < vectors; j++) {
        assembler.vector("vdpbf16ps", [zmm(i * vectors + j), factor, zmm(sums + j)]);
      }
    }
  }

  #store(height: number, vectors: number, last: number): void {
    const assembler = this.#assembler;
    const store = new Label();
    const each = (act: (sum: number, place: Memory, mask?: number) => void) => {
      for (let i = 0; i < height; i++) {
        for (let j = 0; j < vectors; j++) {
          const mask = j === vectors - 1 && last < 16 ? MASK : undefined;
          act(i * vectors + j, at(rcx, i * this.#cRowBytes + j * 64), mask);
        }
      }
    };
    if (last < 16) this.#lanes.setMask(MASK, last, rax);
    assembler.compareMemory(at(rdi, 8 + PRODUCT_PARAMETERS.accumulate * 4), 0);
    assembler.jumpIf("equal", store);
    each((sum, place, mask) => this.#lanes.addFrom(sum, place, FREE, mask));
    assembler.bind(store);
    each((sum, place, mask) => this.#lanes.store(place, sum, mask));
  }
}
