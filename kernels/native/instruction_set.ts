import { type Assembler, Label } from "./assembler.ts";
import { at, type Memory, type Register, type Vector, ymm, zmm } from "./operands.ts";

/** Which vectors a kernel is made of. */
export interface InstructionSet {
  readonly name: "avx512" | "avx2";
  /** What it is called. */
  readonly title: string;
  /** Numbers in a vector. */
  readonly lanes: number;
  /** Vector registers. */
  readonly vectors: number;
  /** Rows of a tile of sums, two vectors wide, that fit into the registers beside what they are made from. */
  readonly tileRows: number;
  /** A vector register. */
  readonly vector: (number: number) => Vector;
}

/** 256 bits, with fused multiply-add and BMI2. */
export const AVX2: InstructionSet = { name: "avx2", title: "AVX2", lanes: 8, vectors: 16, tileRows: 6, vector: ymm };

/** 512 bits: the parts F, DQ, BW and VL. */
export const AVX512: InstructionSet = {
  name: "avx512",
  title: "AVX-512",
  lanes: 16,
  vectors: 32,
  tileRows: 14,
  vector: zmm,
};

/** The instruction set of that name. */
export function instructionSet(name: InstructionSet["name"]): InstructionSet {
  return name === "avx512" ? AVX512 : AVX2;
}

/** Which lanes of a vector are meant: the first few. A mask register of AVX-512; with AVX2, a vector register. */
export type Mask = number;

/**
 * Loads, stores and masks, which the two instruction sets do in different ways. With masks, nothing outside of them is
 * touched in memory, and read as 0.
 */
export class Lanes {
  readonly #assembler: Assembler;
  readonly #set: InstructionSet;
  readonly #table = new Label();

  /** Code for these instructions, behind what the assembler has. */
  constructor(assembler: Assembler, set: InstructionSet) {
    this.#assembler = assembler;
    this.#set = set;
  }

  /** Puts what masks are made from behind the code. Once, at its end. */
  finish(): void {
    if (this.#set.name === "avx512") return;
    this.#assembler.align(64);
    this.#assembler.bind(this.#table);
    // The sign decides.
    this.#assembler.floats([...Array(8).fill(-1), ...Array(8).fill(0)]);
  }

  /** Makes a mask of the first `count` lanes. */
  setMask(mask: Mask, count: number, free: Register): void {
    if (this.#set.name === "avx512") {
      this.#assembler.moveNumber(free, BigInt(2 ** count - 1));
      this.#assembler.moveMask(mask, free);
    } else {
      this.#assembler.addressOf(free, this.#table);
      this.#assembler.vector("vmovups", [ymm(mask), at(free, (8 - count) * 4)]);
    }
  }

  /** Makes a mask of as many lanes as a register says, fewer than there are. */
  setMaskOf(mask: Mask, count: Register, free: Register): void {
    const assembler = this.#assembler;
    if (this.#set.name === "avx512") {
      assembler.moveNumber(free, 0xffffn);
      assembler.keepLowBits(free, free, count);
      assembler.moveMask(mask, free);
    } else {
      assembler.addressOf(free, this.#table);
      assembler.operate("sub", free, count);
      assembler.operate("sub", free, count);
      assembler.operate("sub", free, count);
      assembler.operate("sub", free, count);
      assembler.vector("vmovups", [ymm(mask), at(free, 32)]);
    }
  }

  /** Loads a vector, or the lanes of a mask. */
  load(to: number, from: Memory, mask?: Mask): void {
    const { vector, name } = this.#set;
    if (mask === undefined) this.#assembler.vector("vmovups", [vector(to), from]);
    else if (name === "avx512") this.#assembler.vector("vmovups", [vector(to), from], { mask, zero: true });
    else this.#assembler.vector("vmaskmovps", [vector(to), vector(mask), from]);
  }

  /** Stores a vector, or the lanes of a mask. */
  store(to: Memory, from: number, mask?: Mask): void {
    const { vector, name } = this.#set;
    if (mask === undefined) this.#assembler.vector("vmovups_store", [to, vector(from)]);
    else if (name === "avx512") this.#assembler.vector("vmovups_store", [to, vector(from)], { mask });
    else this.#assembler.vector("vmaskmovps_store", [to, vector(mask), vector(from)]);
  }

  /** Adds what memory holds to a vector; with AVX2 and a mask, by way of a free one. */
  addFrom(to: number, from: Memory, free: number, mask?: Mask): void {
    const { vector, name } = this.#set;
    if (mask === undefined) this.#assembler.vector("vaddps", [vector(to), vector(to), from]);
    else if (name === "avx512") this.#assembler.vector("vaddps", [vector(to), vector(to), from], { mask, zero: true });
    else {
      this.load(free, from, mask);
      this.#assembler.vector("vaddps", [vector(to), vector(to), vector(free)]);
    }
  }

  /** All lanes become 0. */
  clear(to: number): void {
    const vector = this.#set.vector(to);
    this.#assembler.vector(this.#set.name === "avx512" ? "vpxord" : "vxorps", [vector, vector, vector]);
  }
}
