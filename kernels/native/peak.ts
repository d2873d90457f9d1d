// The most that a processor can do: multiplies and adds in registers alone. Nothing is read nor written.
import { Assembler, Label } from "./assembler.ts";
import { type CallingConvention, enter, leave, loadParameter } from "./calling.ts";
import { type InstructionSet, Lanes } from "./instruction_set.ts";
import { rax } from "./operands.ts";

/** The parameters: how often, at least 1. */
export const PEAK_PARAMETERS = { rounds: 0 } as const;

/** Floating-point operations of a round. */
export function peakFlops(set: InstructionSet): number {
  return SUMS * set.lanes * 2;
}

/** Sums that do not wait for each other: more than the processor has such instructions under way. */
const SUMS = 12;

/** The code. */
export function assemblePeak(set: InstructionSet, convention: CallingConvention): Uint8Array<ArrayBuffer> {
  const assembler = new Assembler();
  const lanes = new Lanes(assembler, set);
  const next = new Label();
  enter(assembler, convention);
  for (let i = 0; i < SUMS + 2; i++) lanes.clear(i);
  loadParameter(assembler, rax, PEAK_PARAMETERS.rounds);
  assembler.align(32);
  assembler.bind(next);
  for (let i = 0; i < SUMS; i++) {
    assembler.vector("vfmadd231ps", [set.vector(i), set.vector(SUMS), set.vector(SUMS + 1)]);
  }
  assembler.operateNumber("sub", rax, 1);
  assembler.jumpIf("notEqual", next);
  leave(assembler, convention);
  lanes.finish();
  return assembler.finish();
}
