// 2ˣ in vectors, as kernels/simd/exp.ts has it: n = round(x), 2ʳ by a polynomial on |r| ≤ 1/2, times 2ⁿ. Adding 1.5 · 2²³ + 127
// rounds x and leaves n + 127, the exponent field of 2ⁿ, in the sum's low bits.
// The polynomial minimises the largest relative error: 9e-8. Results are within 2 units in the last place.
import { type Assembler, Label } from "./assembler.ts";
import type { InstructionSet } from "./instruction_set.ts";
import { at, type Register } from "./operands.ts";

/** log₂ e. */
export const LOG2_E = Math.fround(1.4426950408889634);

/** The least x: 2ˣ comes out as 0 there. */
const LEAST = -127;
const MAGIC = 12583039;
/** From the highest power down; the last is 1. */
const POLYNOMIAL = [
  1.3264713531546963e-3,
  9.67152327629564e-3,
  5.550733872007098e-2,
  0.2402224192299931,
  0.6931469774777369,
  1,
];

/** Vector registers that hold its constants throughout. */
const CONSTANTS = [LEAST, MAGIC, ...POLYNOMIAL];

/** Code that computes 2ˣ. */
export class Exponential {
  readonly #assembler: Assembler;
  readonly #set: InstructionSet;
  readonly #first: number;
  readonly #table = new Label();

  /** @param first Of `Exponential.registers` vector registers that it keeps. */
  constructor(assembler: Assembler, set: InstructionSet, first: number) {
    this.#assembler = assembler;
    this.#set = set;
    this.#first = first;
  }

  /** Vector registers that it keeps. */
  static readonly registers: number = CONSTANTS.length;

  /** The register that holds 1 in all lanes. */
  get one(): number {
    return this.#first + CONSTANTS.length - 1;
  }

  /** Loads the constants. */
  prepare(free: Register): void {
    this.#assembler.addressOf(free, this.#table);
    for (const [i] of CONSTANTS.entries()) {
      this.#assembler.vector("vbroadcastss", [this.#set.vector(this.#first + i), at(free, i * 4)]);
    }
  }

  /** Puts the constants behind the code. Once, at its end. */
  finish(): void {
    this.#assembler.align(64);
    this.#assembler.bind(this.#table);
    this.#assembler.floats(CONSTANTS);
  }

  /**
   * `x` becomes 2ˣ, for x ≤ 0, or above it by rounding only: 0 below 2^−126.5, NaN for NaN.
   * @param free Two more registers.
   */
  power(x: number, free: readonly [number, number]): void {
    const assembler = this.#assembler;
    const { vector } = this.#set;
    const constant = (i: number) => vector(this.#first + i);
    const [value, sum, result] = [vector(x), vector(free[0]), vector(free[1])];
    // The order of its operands keeps NaN.
    assembler.vector("vmaxps", [value, constant(0), value]);
    assembler.vector("vaddps", [sum, value, constant(1)]);
    assembler.vector("vsubps", [result, sum, constant(1)]);
    assembler.vector("vsubps", [value, value, result]);
    assembler.vector("vmovups", [result, constant(2)]);
    for (let i = 3; i < CONSTANTS.length; i++) assembler.vector("vfmadd213ps", [result, value, constant(i)]);
    assembler.vector("vpslld", [sum, sum], { immediate: 23 });
    assembler.vector("vmulps", [value, result, sum]);
  }
}
