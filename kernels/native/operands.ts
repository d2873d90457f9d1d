// What instructions work on: registers and places in memory.

/** A general register: its number in machine code. */
export type Register = number;

/** The sixteen general registers of 64 bits. */
export const [rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15]: readonly Register[] = Array
  .from({ length: 16 }, (_, number) => number);

/** A vector register. Numbers from 16 on, and 512 bits, are of AVX-512. */
export interface Vector {
  readonly number: number;
  readonly bits: 128 | 256 | 512;
}

/** A vector register of 128 bits. */
export function xmm(number: number): Vector {
  return { number, bits: 128 };
}

/** A vector register of 256 bits. */
export function ymm(number: number): Vector {
  return { number, bits: 256 };
}

/** A vector register of 512 bits. */
export function zmm(number: number): Vector {
  return { number, bits: 512 };
}

/** The address `base` + `index` · `scale` + `displacement`. */
export interface Memory {
  readonly base: Register;
  /** Signed, of 32 bits. */
  readonly displacement: number;
  readonly index?: Register;
  readonly scale?: 1 | 2 | 4 | 8;
  /** One number, spread over the lanes: AVX-512's embedded broadcast. */
  readonly broadcast?: boolean;
}

/** A place in memory. */
export function at(base: Register, displacement = 0): Memory {
  return { base, displacement };
}

/** Whether an operand is a place in memory. */
export function isMemory(operand: Vector | Memory): operand is Memory {
  return "base" in operand;
}
