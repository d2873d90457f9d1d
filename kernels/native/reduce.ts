import type { Assembler } from "./assembler.ts";
import type { InstructionSet } from "./instruction_set.ts";

/** The sum, or the largest, of a vector's lanes, in all of its lanes; in one order, by halves. @param free A free register. */
export function reduceLanes(
  assembler: Assembler,
  set: InstructionSet,
  operation: "vaddps" | "vmaxps",
  value: number,
  free: number,
): void {
  const [all, turned] = [set.vector(value), set.vector(free)];
  const turn = (name: "vshuff32x4" | "vperm2f128" | "vshufps", immediate: number) => {
    assembler.vector(name, [turned, all, all], { immediate });
    assembler.vector(operation, [all, all, turned]);
  };
  if (set.name === "avx512") {
    turn("vshuff32x4", 0x4e);
    turn("vshuff32x4", 0xb1);
  } else {
    turn("vperm2f128", 0x01);
  }
  turn("vshufps", 0x4e);
  turn("vshufps", 0xb1);
}
