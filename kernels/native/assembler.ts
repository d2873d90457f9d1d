// Machine code of x86-64 from TypeScript: what the kernels need and no more.
import { encodeMemory, encodeVector, littleEndian, type VectorFields, type VectorOptions } from "./encode_vector.ts";
import { isMemory, type Memory, type Register, type Vector } from "./operands.ts";
import { VECTOR_INSTRUCTIONS, type VectorInstruction, type VectorInstructionName } from "./vector_instructions.ts";

/** A place in the code, known once it is bound. */
export class Label {
  /** Its offset from the start of the code. */
  offset: number | undefined;
}

/** When a conditional jump is taken, after a comparison of unsigned numbers. */
const CONDITIONS = { below: 2, aboveOrEqual: 3, equal: 4, notEqual: 5, belowOrEqual: 6, above: 7 } as const;

/** When a conditional jump is taken. */
export type Condition = keyof typeof CONDITIONS;

/** The operations with the opcodes' pattern 00 ooo 0xx, and their number among those with an immediate. */
const OPERATIONS = { add: 0, or: 1, and: 4, sub: 5, xor: 6, cmp: 7 } as const;

/** An operation on general registers. */
export type Operation = keyof typeof OPERATIONS;

/** Collects instructions, one after the other. */
export class Assembler {
  readonly #bytes: number[] = [];
  /** Where four bytes are to hold the distance to a label, from behind them. */
  readonly #references: { readonly at: number; readonly label: Label }[] = [];

  /** Bytes so far. */
  get size(): number {
    return this.#bytes.length;
  }

  /**
   * The finished code.
   * @throws {Error} If something refers to a label that was never bound.
   */
  finish(): Uint8Array<ArrayBuffer> {
    const code = Uint8Array.from(this.#bytes);
    for (const { at, label } of this.#references) {
      if (label.offset === undefined) throw new Error(`Cannot assemble: byte ${at} refers to a label that is nowhere`);
      code.set(littleEndian(label.offset - at - 4), at);
    }
    return code;
  }

  /** Binds a label here. */
  bind(label: Label): void {
    if (label.offset !== undefined) throw new Error(`Cannot bind a label twice: it is at byte ${label.offset}`);
    label.offset = this.size;
  }

  /** Fills up to a multiple of so many bytes, with instructions that do nothing. */
  align(bytes: number): void {
    while (this.size % bytes !== 0) this.#emit(0x90);
  }

  /** Numbers of 32 bits, as they are. */
  floats(values: readonly number[]): void {
    this.#emit(...new Uint8Array(Float32Array.from(values).buffer));
  }

  /** Bytes as they are. */
  bytes(values: Iterable<number>): void {
    this.#emit(...values);
  }

  /** A vector instruction: destination, sources. A `_store` writes its first operand, which may be in memory. */
  vector(name: VectorInstructionName, operands: readonly (Vector | Memory)[], options?: VectorOptions): void {
    const instruction: VectorInstruction = VECTOR_INSTRUCTIONS[name];
    this.#emit(...encodeVector(instruction, fieldsOf(name, instruction, operands), options));
  }

  /** One general register to another, of 64 bits. */
  move(to: Register, from: Register): void {
    this.#emit(0x48 | to >> 3 << 2 | from >> 3, 0x8b, 0xc0 | (to & 7) << 3 | from & 7);
  }

  /** A number of 64 bits into a register. */
  moveNumber(to: Register, value: bigint): void {
    this.#emit(0x48 | to >> 3, 0xb8 | to & 7);
    for (let i = 0n; i < 64n; i += 8n) this.#emit(Number(value >> i & 0xffn));
  }

  /** A number of 32 bits from memory, into a register of 64. */
  load(to: Register, from: Memory): void {
    this.#withMemory([0x8b], to, from, false);
  }

  /** A number of 64 bits from memory. */
  load64(to: Register, from: Memory): void {
    this.#withMemory([0x8b], to, from, true);
  }

  /** The low 32 bits of a register to memory. */
  store(to: Memory, from: Register): void {
    this.#withMemory([0x89], from, to, false);
  }

  /** All 64 bits of a register to memory. */
  store64(to: Memory, from: Register): void {
    this.#withMemory([0x89], from, to, true);
  }

  /** Adds a number of 64 bits in memory to a register. */
  addMemory(to: Register, from: Memory): void {
    this.#withMemory([0x03], to, from, true);
  }

  /** Compares 32 bits in memory with a number. */
  compareMemory(memory: Memory, value: number): void {
    this.#withMemory([0x81], OPERATIONS.cmp, memory, false);
    this.#emit(...littleEndian(value));
  }

  /** The address itself. */
  address(to: Register, of: Memory): void {
    this.#withMemory([0x8d], to, of, true);
  }

  /** The address of a label. */
  addressOf(to: Register, label: Label): void {
    this.#emit(0x48 | to >> 3 << 2, 0x8d, (to & 7) << 3 | 5);
    this.#refer(label);
  }

  /** `to` = `to` op `from`, of 64 bits; `cmp` only compares. */
  operate(operation: Operation, to: Register, from: Register): void {
    this.#emit(
      0x48 | to >> 3 << 2 | from >> 3,
      OPERATIONS[operation] << 3 | 3,
      0xc0 | (to & 7) << 3 | from & 7,
    );
  }

  /** `to` = `to` op `value`, of 64 bits; the value is signed, of 32. */
  operateNumber(operation: Operation, to: Register, value: number): void {
    const short = value >= -128 && value < 128;
    this.#emit(0x48 | to >> 3, short ? 0x83 : 0x81, 0xc0 | OPERATIONS[operation] << 3 | to & 7);
    this.#emit(...(short ? [value & 0xff] : littleEndian(value)));
  }

  /** `to` = `from` · `value`, of 64 bits. */
  multiply(to: Register, from: Register, value: number): void {
    this.#emit(0x48 | to >> 3 << 2 | from >> 3, 0x69, 0xc0 | (to & 7) << 3 | from & 7, ...littleEndian(value));
  }

  /** Shifts a register of 64 bits to the left, or, logically, to the right. */
  shift(direction: "left" | "right", register: Register, bits: number): void {
    this.#emit(0x48 | register >> 3, 0xc1, 0xc0 | (direction === "left" ? 4 : 5) << 3 | register & 7, bits);
  }

  /** Clears the bits of `from` from the one on that `index` names: bzhi, of BMI2. */
  keepLowBits(to: Register, from: Register, index: Register): void {
    this.#emit(0xc4, (~to >> 3 & 1) << 7 | 1 << 6 | (~from >> 3 & 1) << 5 | 2, 1 << 7 | (~index & 15) << 3, 0xf5);
    this.#emit(0xc0 | (to & 7) << 3 | from & 7);
  }

  /** The low 16 bits of a register into a mask register. */
  moveMask(mask: number, from: Register): void {
    this.#emit(0xc4, 3 << 6 | (~from >> 3 & 1) << 5 | 1, 15 << 3, 0x92, 0xc0 | mask << 3 | from & 7);
  }

  /** Asks for a cache line, into all caches. */
  prefetch(from: Memory): void {
    this.#withMemory([0x0f, 0x18], 1, from, false);
  }

  jump(to: Label): void {
    this.#emit(0xe9);
    this.#refer(to);
  }

  jumpIf(condition: Condition, to: Label): void {
    this.#emit(0x0f, 0x80 | CONDITIONS[condition]);
    this.#refer(to);
  }

  push(register: Register): void {
    this.#extend(register >> 3);
    this.#emit(0x50 | register & 7);
  }

  pop(register: Register): void {
    this.#extend(register >> 3);
    this.#emit(0x58 | register & 7);
  }

  /** Clears the upper halves of the vector registers, without which older instructions after it are slow. */
  zeroUpper(): void {
    this.#emit(0xc5, 0xf8, 0x77);
  }

  return(): void {
    this.#emit(0xc3);
  }

  /** What the processor can do: asks for leaf eax, part ecx; answers in eax, ebx, ecx and edx. */
  cpuid(): void {
    this.#emit(0x0f, 0xa2);
  }

  /** Which registers the operating system saves: asks for ecx, answers in eax. */
  xgetbv(): void {
    this.#emit(0x0f, 0x01, 0xd0);
  }

  /** An opcode with a place in memory. */
  #withMemory(opcode: readonly number[], register: Register, memory: Memory, wide: boolean): void {
    this.#extend((wide ? 8 : 0) | register >> 3 << 2 | (memory.index ?? 0) >> 3 << 1 | memory.base >> 3);
    this.#emit(...opcode, ...encodeMemory(register, memory));
  }

  /** The prefix REX, where there is anything for it to say. */
  #extend(bits: number): void {
    if (bits !== 0) this.#emit(0x40 | bits);
  }

  #refer(label: Label): void {
    this.#references.push({ at: this.size, label });
    this.#emit(0, 0, 0, 0);
  }

  #emit(...bytes: number[]): void {
    this.#bytes.push(...bytes);
  }
}

/** Sorts operands, as an assembler writes them, into the instruction's fields. */
function fieldsOf(
  name: VectorInstructionName,
  { operands: form, extension }: VectorInstruction,
  operands: readonly (Vector | Memory)[],
): VectorFields {
  const expected = form === undefined ? 3 : 2;
  if (operands.length !== expected) {
    throw new RangeError(`Cannot encode ${name}: got ${operands.length} operands, must be ${expected}`);
  }
  // What may lie in memory comes first where it is written, last where it is read.
  const [last, ...others] = form === "store" || name.endsWith("_store") ? operands : operands.toReversed();
  const vectors = others.map((operand) => {
    if (isMemory(operand)) throw new RangeError(`Cannot encode ${name}: got memory where only a register can be`);
    return operand;
  });
  const widest = form === "store" || isMemory(last) ? vectors : [...vectors, last];
  const bits = widest.reduce<Vector["bits"]>((most, vector) => vector.bits > most ? vector.bits : most, 128);
  if (form === undefined) return { register: vectors[1].number, second: vectors[0].number, last, bits };
  if (extension !== undefined) return { register: extension, second: vectors[0].number, last, bits };
  return { register: vectors[0].number, second: 0, last, bits };
}
