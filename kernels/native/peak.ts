// peak_fma, as kernels/simd/peak.ts has it for 128 bits: what fused multiply-adds can do, all in registers.
import { Assembler, Label } from "./assembler.ts";
import { type CallingConvention, enter, leave, loadAddress, loadParameter } from "./calling.ts";
import { type InstructionSet, Lanes } from "./instruction_set.ts";
import { at, rax, rsi, xmm } from "./operands.ts";

/** The parameters: a place for a result, so that there is one, and how many rounds, at least 1. */
export const PEAK_PARAMETERS = { result: 0, rounds: 1 } as const;

/** Sums that do not wait for each other: more than the processor has such instructions under way. */
const SUMS = 12;

/** Floating-point operations of a round. */
export function peakFlops(set: InstructionSet): number {
  return SUMS * set.lanes * 2;
}

/** The code. */
export function assemblePeak(set: InstructionSet, convention: CallingConvention): Uint8Array<ArrayBuffer> {
  const assembler = new Assembler();
  const lanes = new Lanes(assembler, set);
  const next = new Label();
  enter(assembler, convention);
  for (let i = 0; i < SUMS + 2; i++) lanes.clear(i);
  loadAddress(assembler, rsi, PEAK_PARAMETERS.result);
  loadParameter(assembler, rax, PEAK_PARAMETERS.rounds);
  assembler.align(32);
  assembler.bind(next);
  for (let i = 0; i < SUMS; i++) {
    assembler.vector("vfmadd231ps", [set.vector(i), set.vector(SUMS), set.vector(SUMS + 1)]);
  }
  assembler.operateNumber("sub", rax, 1);
  assembler.jumpIf("notEqual", next);
  assembler.vector("vmovss_store", [at(rsi), xmm(0)]);
  leave(assembler, convention);
  lanes.finish();
  return assembler.finish();
}
