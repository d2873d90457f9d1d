import { type Assembler, Label } from "../assembler.ts";
import { at, type Memory, type Register, zmm } from "../operands.ts";

/** Mask registers for a row's first 16 numbers, and for its next 16. */
const [LOWER, UPPER] = [1, 2];

/** For each word of pairs from two rows, where it is in the first row's words with the second's behind them. */
const PAIRS = Array.from({ length: 32 }, (_, word) => (word >> 1) + (word & 1) * 16);

/** Rounds float32 to bf16, to the nearest, of two the even one, and makes pairs. Numbers too small for float32's normal ones become 0. */
export class Rounding {
  readonly #assembler: Assembler;
  readonly #table = new Label();

  constructor(assembler: Assembler) {
    this.#assembler = assembler;
  }

  /** Puts the order of pairs behind the code. Once, at its end. */
  finish(): void {
    this.#assembler.align(64);
    this.#assembler.bind(this.#table);
    this.#assembler.bytes(PAIRS.flatMap((word) => [word, 0]));
  }

  /** Prepares `roundRow` for a row of fewer than 32 numbers; the others become 0. */
  setRowMasks(count: Register, free: Register): void {
    const assembler = this.#assembler;
    assembler.moveNumber(free, 0xffffffffn);
    assembler.keepLowBits(free, free, count);
    assembler.moveMask(LOWER, free);
    assembler.shift("right", free, 16);
    assembler.moveMask(UPPER, free);
  }

  /** Loads 32 numbers of a row, rounds them, and has 16 pairs. @param free A vector register beside. */
  roundRow(to: number, from: Memory, free: number, masked = false): void {
    const assembler = this.#assembler;
    const upper = { ...from, displacement: from.displacement + 64 };
    assembler.vector("vmovups", [zmm(to), from], masked ? { mask: LOWER, zero: true } : {});
    assembler.vector("vmovups", [zmm(free), upper], masked ? { mask: UPPER, zero: true } : {});
    assembler.vector("vcvtne2ps2bf16", [zmm(to), zmm(free), zmm(to)]);
  }

  /** Prepares `pair`. @param order A vector register that `pair` is told. */
  loadOrder(order: number, free: Register): void {
    this.#assembler.addressOf(free, this.#table);
    this.#assembler.vector("vmovups", [zmm(order), at(free)]);
  }

  /** Rounds 16 numbers of each of two rows, and has their pairs in `to`, which may be one of them. */
  pair(to: number, first: number, second: number, order: number): void {
    this.#assembler.vector("vcvtne2ps2bf16", [zmm(to), zmm(second), zmm(first)]);
    this.#assembler.vector("vpermw", [zmm(to), zmm(order), zmm(to)]);
  }

  /** All lanes become 0. */
  clear(to: number): void {
    this.#assembler.vector("vpxord", [zmm(to), zmm(to), zmm(to)]);
  }
}
