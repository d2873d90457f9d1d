// eˣ in vectors, for x ≤ 0, as kernels/simd/exp.ts has it: n = round(x / ln 2), r = x − n ln 2 (ln 2 in two parts), eʳ by a
// polynomial on |r| ≤ ln 2 / 2, times 2ⁿ. Results are within 1 unit in the last place.
import { type Assembler, Label } from "./assembler.ts";
import type { InstructionSet } from "./instruction_set.ts";
import { at, type Memory, type Register } from "./operands.ts";

const LOG2_E = 1.4426950408889634;
/** 1.5 · 2²³ + 127: see exponential.ts. */
const MAGIC = 12583039;
const LN_2_HIGH = 0.693359375;
const LN_2_LOW = -2.12194440e-4;
/** From r⁶ down to r², then r, and 1. */
const POLYNOMIAL = [
  1.381459876237554e-3,
  8.368716884783606e-3,
  4.1668388043926474e-2,
  0.16666520631654783,
  0.49999993447797864,
  1,
  1,
];
/** From which n is −127, and 2ⁿ comes out as 0. */
const LEAST = -88.0296;

const CONSTANTS = [LEAST, LOG2_E, MAGIC, LN_2_HIGH, LN_2_LOW, ...POLYNOMIAL, -0];
const FIRST_POWER = 5;

/** Code that computes eˣ. Its constants stay in memory, but for two. */
export class NaturalExponential {
  readonly #assembler: Assembler;
  readonly #set: InstructionSet;
  readonly #table = new Label();
  readonly #base: Register;
  readonly #kept: readonly [number, number];

  /** @param base A register that it keeps. @param kept Two vector registers that it keeps. */
  constructor(assembler: Assembler, set: InstructionSet, base: Register, kept: readonly [number, number]) {
    this.#assembler = assembler;
    this.#set = set;
    this.#base = base;
    this.#kept = kept;
  }

  /** Loads what it keeps. */
  prepare(): void {
    this.#assembler.addressOf(this.#base, this.#table);
    this.#kept.forEach((number, i) => this.spread(number, i));
  }

  /** Loads 1 into all lanes. */
  spreadOne(to: number): void {
    this.spread(to, CONSTANTS.length - 2);
  }

  /** Loads −0, of which only the sign's bit is set, into all lanes. */
  spreadSign(to: number): void {
    this.spread(to, CONSTANTS.length - 1);
  }

  /** Loads a constant into all lanes. */
  spread(to: number, index: number): void {
    const { base, displacement } = this.#constant(index);
    this.#assembler.vector("vbroadcastss", [this.#set.vector(to), at(base, displacement)]);
  }

  /** Puts the constants behind the code. Once, at its end. */
  finish(): void {
    this.#assembler.align(64);
    this.#assembler.bind(this.#table);
    // With AVX2 an operand in memory is a whole vector.
    const copies = this.#set.name === "avx512" ? 1 : this.#set.lanes;
    this.#assembler.floats(CONSTANTS.flatMap((value) => Array<number>(copies).fill(value)));
  }

  /** `x` becomes eˣ, for x ≤ 0 but for rounding: 0 where it would be below 2^−126.5, NaN for NaN. @param free Three registers. */
  power(x: number, free: readonly [number, number, number]): void {
    const assembler = this.#assembler;
    const { vector } = this.#set;
    const [least, log2E] = this.#kept.map(vector);
    const [value, sum, n, result] = [x, ...free].map(vector);
    // The order of its operands keeps NaN.
    assembler.vector("vmaxps", [value, least, value]);
    assembler.vector("vmovups", [sum, value]);
    assembler.vector("vfmadd213ps", [sum, log2E, this.#constant(2)]);
    assembler.vector("vsubps", [n, sum, this.#constant(2)]);
    assembler.vector("vfnmadd231ps", [value, n, this.#constant(3)]);
    assembler.vector("vfnmadd231ps", [value, n, this.#constant(4)]);
    this.spread(free[2], FIRST_POWER);
    for (let i = 1; i < POLYNOMIAL.length; i++) {
      assembler.vector("vfmadd213ps", [result, value, this.#constant(FIRST_POWER + i)]);
    }
    assembler.vector("vpslld", [sum, sum], { immediate: 23 });
    assembler.vector("vmulps", [value, result, sum]);
  }

  #constant(index: number): Memory {
    return this.#set.name === "avx512"
      ? { base: this.#base, displacement: index * 4, broadcast: true }
      : { base: this.#base, displacement: index * this.#set.lanes * 4 };
  }
}
