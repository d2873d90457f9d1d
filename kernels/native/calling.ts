// How kernels are called: as C functions of one pointer, to their parameters.
import type { Assembler } from "./assembler.ts";
import { at, r12, r13, r14, r15, rbp, rbx, rcx, rdi, type Register, rsi, rsp, xmm } from "./operands.ts";

/** The two conventions of x86-64: System V's, of Linux and macOS, and Microsoft's. */
export type CallingConvention = "systemV" | "windows";

const SAVED = [rbx, rbp, r12, r13, r14, r15];

/** What Microsoft's convention has a function keep beside those. */
const SAVED_ON_WINDOWS = [rdi, rsi];
const SAVED_VECTORS = [6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/** Which registers a function uses: before it is known that there are 256 bits, none of those. */
export type Uses = "all registers" | "general registers alone";

/**
 * The start of a function: afterwards rdi holds the address of the parameters, and all registers but rsp and rdi are free.
 */
export function enter(assembler: Assembler, convention: CallingConvention, uses: Uses = "all registers"): void {
  for (const register of SAVED) assembler.push(register);
  if (convention === "systemV") return;
  for (const register of SAVED_ON_WINDOWS) assembler.push(register);
  assembler.move(rdi, rcx);
  if (uses === "general registers alone") return;
  assembler.operateNumber("sub", rsp, SAVED_VECTORS.length * 16);
  for (const [i, number] of SAVED_VECTORS.entries()) {
    assembler.vector("vmovups_store", [at(rsp, i * 16), xmm(number)]);
  }
}

/** The end of a function that began with `enter`. */
export function leave(assembler: Assembler, convention: CallingConvention, uses: Uses = "all registers"): void {
  if (uses === "all registers") assembler.zeroUpper();
  if (convention === "windows" && uses === "all registers") {
    for (const [i, number] of SAVED_VECTORS.entries()) assembler.vector("vmovups", [xmm(number), at(rsp, i * 16)]);
    assembler.operateNumber("add", rsp, SAVED_VECTORS.length * 16);
  }
  if (convention === "windows") { for (const register of SAVED_ON_WINDOWS.toReversed()) assembler.pop(register); }
  for (const register of SAVED.toReversed()) assembler.pop(register);
  assembler.return();
}

/**
 * The parameters in memory: the address of the shared memory's first byte, 64 bits, then numbers of 32 bits. Addresses
 * among those are counted from that byte, as they are in WebAssembly.
 */
export const PARAMETER_WORDS = 62;

/** Bytes that the parameters take. */
export const PARAMETER_BYTES = 8 + PARAMETER_WORDS * 4;

/** Loads a number among the parameters. */
export function loadParameter(assembler: Assembler, to: Register, index: number): void {
  assembler.load(to, at(rdi, 8 + index * 4));
}

/** Loads an address among the parameters, as the processor counts. */
export function loadAddress(assembler: Assembler, to: Register, index: number): void {
  loadParameter(assembler, to, index);
  assembler.addMemory(to, at(rdi));
}
