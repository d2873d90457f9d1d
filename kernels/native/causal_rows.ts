// What the kernels between attention's products share: rows of scores, of which each query sees one more than the one before.
import { type Assembler, Label } from "./assembler.ts";
import { type CallingConvention, enter, loadAddress, loadParameter } from "./calling.ts";
import type { Exponential } from "./exponential.ts";
import type { InstructionSet, Lanes } from "./instruction_set.ts";
import { at, r10, r11, r12, r14, r15, r8, r9, rax, rbp, rcx, rdi, rdx, type Register, rsi } from "./operands.ts";

/** Where a kernel has what all of them are told: a row's scores, numbers of rows and columns, and a factor of float32. */
export interface RowsParameters {
  readonly scores: number;
  readonly rows: number;
  readonly visible: number;
  readonly most: number;
  readonly columns: number;
  readonly power: number;
}

/** What the registers of these kernels hold: of a row, its address, what it sees and the bytes of its vectors. */
export const ROW_REGISTERS = {
  row: rsi,
  rows: rbp,
  visible: r8,
  most: r9,
  columns: r12,
  end: r14,
  offset: r15,
} as const;

/** The start of a kernel: loads these registers, and the factor into all lanes of the vector `power`. Uses rax. */
export function enterRows(
  assembler: Assembler,
  convention: CallingConvention,
  { vector }: InstructionSet,
  parameters: RowsParameters,
  { exponential, power }: { readonly exponential: Exponential; readonly power: number },
): typeof ROW_REGISTERS {
  const { row, rows, visible, most, columns, end } = ROW_REGISTERS;
  enter(assembler, convention);
  loadAddress(assembler, row, parameters.scores);
  loadParameter(assembler, rows, parameters.rows);
  loadParameter(assembler, visible, parameters.visible);
  loadParameter(assembler, most, parameters.most);
  loadParameter(assembler, columns, parameters.columns);
  assembler.move(end, columns);
  assembler.shift("left", end, 2);
  exponential.prepare(rax);
  assembler.vector("vbroadcastss", [vector(power), at(rdi, 8 + parameters.power * 4)]);
  return ROW_REGISTERS;
}

/**
 * Fills what a query does not see of a row, up to its last vector. Uses rax, rcx, rdx, r10 and r11.
 * @param row Register with the row's address. @param visible Numbers that stay, at least 1. @param columns Numbers in the row,
 *   a multiple of a vector. @param fill Vector of what they become. @param free A free one. @param mask Free for a mask.
 */
export function hide(
  assembler: Assembler,
  set: InstructionSet,
  lanes: Lanes,
  row: Register,
  visible: Register,
  columns: Register,
  { fill, free, mask }: { readonly fill: number; readonly free: number; readonly mask: number },
): void {
  const [rest, next, end] = [new Label(), new Label(), new Label()];
  assembler.move(r10, visible);
  assembler.operateNumber("and", r10, -set.lanes);
  assembler.move(r11, visible);
  assembler.operateNumber("and", r11, set.lanes - 1);
  assembler.address(rax, { base: row, index: r10, scale: 4, displacement: 0 });
  assembler.address(rcx, { base: row, index: columns, scale: 4, displacement: 0 });
  assembler.operate("cmp", rax, rcx);
  assembler.jumpIf("aboveOrEqual", end);
  assembler.operateNumber("cmp", r11, 0);
  assembler.jumpIf("equal", next);
  lanes.setMaskOf(mask, r11, rdx);
  lanes.load(free, at(rax), mask);
  lanes.store(at(rax), fill);
  lanes.store(at(rax), free, mask);
  assembler.bind(rest);
  assembler.operateNumber("add", rax, set.lanes * 4);
  assembler.operate("cmp", rax, rcx);
  assembler.jumpIf("aboveOrEqual", end);
  assembler.bind(next);
  lanes.store(at(rax), fill);
  assembler.jump(rest);
  assembler.bind(end);
}

/** Repeats what `body` emits for each row, at least one. */
export function forEachRow(assembler: Assembler, count: Register, body: () => void): void {
  const next = new Label();
  assembler.bind(next);
  body();
  assembler.operateNumber("sub", count, 1);
  assembler.jumpIf("notEqual", next);
}

/** Repeats what `body` emits for each vector of a row: `at` counts bytes up to `end`, from 0; at least one. */
export function forEachVector(
  assembler: Assembler,
  set: InstructionSet,
  { offset, end }: { readonly offset: Register; readonly end: Register },
  body: () => void,
): void {
  const next = new Label();
  assembler.operate("xor", offset, offset);
  assembler.bind(next);
  body();
  assembler.operateNumber("add", offset, set.lanes * 4);
  assembler.operate("cmp", offset, end);
  assembler.jumpIf("below", next);
}

/** The next row sees one number more, unless it sees all. */
export function seeOneMore(assembler: Assembler, visible: Register, most: Register): void {
  const all = new Label();
  assembler.operate("cmp", visible, most);
  assembler.jumpIf("aboveOrEqual", all);
  assembler.operateNumber("add", visible, 1);
  assembler.bind(all);
}
