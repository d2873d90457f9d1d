// y = x Wᵀ for few rows of x: what generation does for each token. The weights are read from memory once, as they lie, and
// a vector of them is used for all rows. Weights of bf16 and int8 become float32 in registers; each row of them has a scale.
// Each element of y is one sum over vectors, ascending, and then over lanes, by halves: how columns are shared out makes no
// difference to its bits, nor do the other rows.
import { Assembler, Label } from "./assembler.ts";
import { type CallingConvention, enter, leave, loadAddress, loadParameter } from "./calling.ts";
import { type InstructionSet, Lanes, type Mask } from "./instruction_set.ts";
import { at, type Memory, r12, r13, r8, r9, rax, rbp, rbx, rdx, rsi, xmm, ymm } from "./operands.ts";
import { reduceLanes } from "./reduce.ts";
import { share } from "./tiling.ts";

/** How a weight lies in memory; a row of bf16 or int8 fills whole words of 32 bits, the last with zeros. */
export type WeightFormat = "f32" | "bf16" | "int8";

/** What such a product's code is made for. */
export interface FewRowsShape {
  readonly format: WeightFormat;
  readonly rows: number;
  /** Terms of a sum. */
  readonly depth: number;
  /** Of y. */
  readonly columns: number;
}

/** The parameters, in their order: of x, and of the first column of a piece. */
export const FEW_ROWS_PARAMETERS = { x: 0, weight: 1, y: 2, columns: 3, scales: 4 } as const;

/** Bits of a weight. */
const BITS = { f32: 32, bf16: 16, int8: 8 } as const;

/** Rows that are computed together at most. */
const MOST_ROWS = { avx512: 8, avx2: 6 } as const;

/** Columns that are computed together at most: rows of weights that are read at once. */
const MOST_COLUMNS = 4;

/** Bytes from a row of weights to the next. */
export function weightRowBytes(format: WeightFormat, depth: number): number {
  return Math.ceil(depth * BITS[format] / 32) * 4;
}

/** The code of such products. */
export function assembleFewRows(
  set: InstructionSet,
  convention: CallingConvention,
  shape: FewRowsShape,
): Uint8Array<ArrayBuffer> {
  const assembler = new Assembler();
  const emitter = new FewRowsEmitter(assembler, set, shape);
  enter(assembler, convention);
  loadAddress(assembler, rsi, FEW_ROWS_PARAMETERS.x);
  loadAddress(assembler, r12, FEW_ROWS_PARAMETERS.weight);
  loadAddress(assembler, r13, FEW_ROWS_PARAMETERS.y);
  loadParameter(assembler, rbp, FEW_ROWS_PARAMETERS.columns);
  if (shape.format !== "f32") loadAddress(assembler, rbx, FEW_ROWS_PARAMETERS.scales);
  emitter.allColumns();
  leave(assembler, convention);
  emitter.finish();
  return assembler.finish();
}

/**
 * Registers throughout: rsi x, r12 weights, r13 y and rbx scales at the next column, rbp columns left; in a sum rax x,
 * rdx weights, r8 turns left, r9 weights to ask for.
 */
class FewRowsEmitter {
  readonly #lanes: Lanes;
  /** The first row of each group that is computed together, and the number of rows at the end. */
  readonly #groups: readonly number[];
  /** Columns that are computed together. */
  readonly #columns: number;
  readonly #weightBytes: number;
  /** A vector of weights, as it lies. */
  readonly #vectorBytes: number;
  readonly #tail: number;

  constructor(readonly assembler: Assembler, readonly set: InstructionSet, readonly shape: FewRowsShape) {
    this.#lanes = new Lanes(assembler, set);
    const { rows, depth, format } = shape;
    const groups = Math.ceil(rows / MOST_ROWS[set.name]);
    this.#groups = Array.from({ length: groups + 1 }, (_, group) => share(rows, group, groups));
    // Registers for each column's sums and weights, and for one row of x; with AVX2 also for the mask.
    this.#columns = Math.min(MOST_COLUMNS, Math.floor((set.vectors - 2) / (Math.ceil(rows / groups) + 1)));
    this.#weightBytes = weightRowBytes(format, depth);
    this.#vectorBytes = set.lanes * BITS[format] / 8;
    this.#tail = depth % set.lanes;
  }

  finish(): void {
    this.#lanes.finish();
  }

  /** The lanes of a row's last vector, where it fills none: of numbers, and with AVX2 of words, as they lie. */
  get #mask(): Mask {
    return this.set.name === "avx512" ? 1 : this.set.vectors - 1;
  }

  /** All columns of a piece: several at once, then those that are left, one by one. */
  allColumns(): void {
    const { assembler, set } = this;
    const [next, rest, nextRest, end] = [new Label(), new Label(), new Label(), new Label()];
    if (this.#tail > 0 && set.name === "avx512") this.#lanes.setMask(this.#mask, this.#tail, rax);
    assembler.operateNumber("sub", rbp, this.#columns);
    assembler.jumpIf("below", rest);
    assembler.bind(next);
    this.#block(this.#columns);
    assembler.operateNumber("sub", rbp, this.#columns);
    assembler.jumpIf("aboveOrEqual", next);
    assembler.bind(rest);
    assembler.operateNumber("add", rbp, this.#columns);
    assembler.jumpIf("equal", end);
    assembler.bind(nextRest);
    this.#block(1);
    assembler.operateNumber("sub", rbp, 1);
    assembler.jumpIf("notEqual", nextRest);
    assembler.bind(end);
  }

  /** Some columns of all rows. */
  #block(columns: number): void {
    const { assembler } = this;
    for (let group = 0; group + 1 < this.#groups.length; group++) {
      this.#sums(this.#groups[group], this.#groups[group + 1] - this.#groups[group], columns);
    }
    assembler.operateNumber("add", r12, columns * this.#weightBytes);
    assembler.operateNumber("add", r13, columns * 4);
    if (this.shape.format !== "f32") assembler.operateNumber("add", rbx, columns * 4);
  }

  /** The sums of some rows and columns: register row · columns + column. */
  #sums(first: number, rows: number, columns: number): void {
    const { assembler, set, shape: { depth } } = this;
    for (let i = 0; i < rows * columns; i++) this.#lanes.clear(i);
    assembler.address(rax, at(rsi, first * depth * 4));
    assembler.move(rdx, r12);
    // The processor reads ahead by itself, but not far enough for weights that take less time than it expects.
    const prefetches = first === 0 && this.shape.format !== "f32";
    if (prefetches) assembler.address(r9, at(r12, columns * this.#weightBytes));
    const vectors = Math.floor(depth / set.lanes);
    // A turn has as many multiply-adds as there are sums, or more.
    const steps = rows * columns < 8 ? 4 : 2;
    const turns = Math.floor(vectors / steps);
    if (turns > 0) {
      const next = new Label();
      assembler.moveNumber(r8, BigInt(turns));
      assembler.align(32);
      assembler.bind(next);
      for (let step = 0; step < steps; step++) this.#step(rows, columns, step);
      if (prefetches) this.#prefetch(columns, steps);
      assembler.operateNumber("add", rax, steps * set.lanes * 4);
      assembler.operateNumber("add", rdx, steps * this.#vectorBytes);
      assembler.operateNumber("sub", r8, 1);
      assembler.jumpIf("notEqual", next);
    }
    for (let step = 0; step < vectors % steps; step++) this.#step(rows, columns, step);
    if (this.#tail > 0) this.#tailStep(rows, columns, vectors % steps);
    this.#store(first, rows, columns);
  }

  /** One vector of each row of x and of weights. */
  #step(rows: number, columns: number, step: number): void {
    const { set, shape: { depth } } = this;
    const [weights, x] = [rows * columns, (rows + 1) * columns];
    for (let column = 0; column < columns; column++) {
      this.#loadWeights(weights + column, at(rdx, column * this.#weightBytes + step * this.#vectorBytes));
    }
    for (let row = 0; row < rows; row++) {
      this.#lanes.load(x, at(rax, row * depth * 4 + step * set.lanes * 4));
      this.#multiplyAdd(row, columns, weights, x);
    }
  }

  /** Asks for weights of the next columns, as many as are read in a turn. */
  #prefetch(columns: number, steps: number): void {
    const bytes = columns * steps * this.#vectorBytes;
    for (let line = 0; line < bytes; line += 64) this.assembler.prefetch(at(r9, line));
    this.assembler.operateNumber("add", r9, bytes);
  }

  /** The numbers that fill no vector. */
  #tailStep(rows: number, columns: number, step: number): void {
    const { set, shape: { depth, format } } = this;
    const [weights, x] = [rows * columns, (rows + 1) * columns];
    const mask = this.#mask;
    const words = Math.ceil(this.#tail * BITS[format] / 32);
    if (set.name === "avx2") this.#lanes.setMask(mask, words, r8);
    for (let column = 0; column < columns; column++) {
      const from = at(rdx, column * this.#weightBytes + step * this.#vectorBytes);
      this.#loadWeights(weights + column, from, mask);
    }
    if (set.name === "avx2" && words !== this.#tail) this.#lanes.setMask(mask, this.#tail, r8);
    for (let row = 0; row < rows; row++) {
      this.#lanes.load(x, at(rax, row * depth * 4 + step * set.lanes * 4), mask);
      this.#multiplyAdd(row, columns, weights, x);
    }
  }

  /** Adds a row's products with each column's weights to its sums. */
  #multiplyAdd(row: number, columns: number, weights: number, x: number): void {
    const { assembler, set: { vector } } = this;
    for (let column = 0; column < columns; column++) {
      assembler.vector("vfmadd231ps", [vector(row * columns + column), vector(x), vector(weights + column)]);
    }
  }

  /** Loads a vector of weights as float32. */
  #loadWeights(to: number, from: Memory, mask?: Mask): void {
    const { assembler, set: { name, vector }, shape: { format } } = this;
    if (format === "f32") return this.#lanes.load(to, from, mask);
    const extend = format === "bf16" ? "vpmovzxwd" : "vpmovsxbd";
    if (mask === undefined) assembler.vector(extend, [vector(to), from]);
    else if (name === "avx512") assembler.vector(extend, [vector(to), from], { mask, zero: true });
    else {
      // Words that lie behind the row are not read.
      assembler.vector("vmaskmovps", [ymm(to), ymm(mask), from]);
      assembler.vector(extend, [ymm(to), xmm(to)]);
    }
    if (format === "bf16") assembler.vector("vpslld", [vector(to), vector(to)], { immediate: 16 });
    else assembler.vector("vcvtdq2ps", [vector(to), vector(to)]);
  }

  /** Adds up the lanes of each sum, and stores what they are times the column's scale. */
  #store(first: number, rows: number, columns: number): void {
    const { assembler, set, shape } = this;
    const [scale, free] = [rows * columns, rows * columns + 1];
    for (let column = 0; column < columns; column++) {
      if (shape.format !== "f32") assembler.vector("vbroadcastss", [set.vector(scale), at(rbx, column * 4)]);
      for (let row = 0; row < rows; row++) {
        const sum = row * columns + column;
        reduceLanes(assembler, set, "vaddps", sum, free);
        if (shape.format !== "f32") assembler.vector("vmulps", [set.vector(sum), set.vector(sum), set.vector(scale)]);
        assembler.vector("vmovss_store", [at(r13, (first + row) * shape.columns * 4 + column * 4), xmm(sum)]);
      }
    }
  }
}
