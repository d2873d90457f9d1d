// Transposes a square block that lies in vector registers, a row in each.
import type { Assembler } from "./assembler.ts";
import type { InstructionSet } from "./instruction_set.ts";

/**
 * Of 8 × 8 in registers 0 to 7, or 16 × 16 in 0 to 15.
 * @returns Which register then holds each column; the others are free.
 */
export function transpose(assembler: Assembler, set: InstructionSet): readonly number[] {
  return set.name === "avx512" ? transpose16(assembler, set) : transpose8(assembler, set);
}

/**
 * Within each group of 128 bits. Rows 4q to 4q + 3 lie in registers of those numbers.
 * @returns For each q, the registers that hold column 4g + j of these rows in group g, by j; all above the first `rows`.
 */
function transposeGroups(assembler: Assembler, { vector }: InstructionSet, rows: number): number[][] {
  const pairs = Array.from({ length: rows }, (_, i) => rows + i);
  for (let i = 0; i < rows; i += 2) {
    const sources = [vector(i), vector(i + 1)];
    assembler.vector("vunpcklps", [vector(pairs[i]), ...sources]);
    assembler.vector("vunpckhps", [vector(pairs[i + 1]), ...sources]);
  }
  const quads: number[][] = [];
  for (let i = 0; i < rows; i += 4) {
    for (let half = 0; half < 2; half++) {
      const sources = [vector(pairs[i + half]), vector(pairs[i + half + 2])];
      assembler.vector("vshufps", [vector(i + half * 2), ...sources], { immediate: 0x44 });
      assembler.vector("vshufps", [vector(i + half * 2 + 1), ...sources], { immediate: 0xee });
    }
    quads.push([i, i + 1, i + 2, i + 3]);
  }
  return quads;
}

function transpose8(assembler: Assembler, set: InstructionSet): number[] {
  const { vector } = set;
  const [upper, lower] = transposeGroups(assembler, set, 8);
  for (let j = 0; j < 4; j++) {
    const sources = [vector(upper[j]), vector(lower[j])];
    assembler.vector("vperm2f128", [vector(8 + j), ...sources], { immediate: 0x20 });
    assembler.vector("vperm2f128", [vector(12 + j), ...sources], { immediate: 0x31 });
  }
  return Array.from({ length: 8 }, (_, column) => 8 + column);
}

function transpose16(assembler: Assembler, set: InstructionSet): number[] {
  const { vector } = set;
  const quads = transposeGroups(assembler, set, 16);
  const columns: number[] = [];
  for (let j = 0; j < 4; j++) {
    // Groups 0 and 2, then 1 and 3, of rows 0 to 7 and of rows 8 to 15.
    const free = 16 + j * 4;
    for (let half = 0; half < 2; half++) {
      const sources = [vector(quads[half * 2][j]), vector(quads[half * 2 + 1][j])];
      assembler.vector("vshuff32x4", [vector(free + half), ...sources], { immediate: 0x88 });
      assembler.vector("vshuff32x4", [vector(free + 2 + half), ...sources], { immediate: 0xdd });
    }
    for (let odd = 0; odd < 2; odd++) {
      const sources = [vector(free + odd * 2), vector(free + odd * 2 + 1)];
      // Into the registers whose contents were just used.
      const [even, later] = [quads[odd * 2][j], quads[odd * 2 + 1][j]];
      assembler.vector("vshuff32x4", [vector(even), ...sources], { immediate: 0x88 });
      assembler.vector("vshuff32x4", [vector(later), ...sources], { immediate: 0xdd });
      columns[odd * 4 + j] = even;
      columns[8 + odd * 4 + j] = later;
    }
  }
  return columns;
}
