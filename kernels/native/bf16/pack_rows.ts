// Packs rows of A that lie in memory as they are: pairs of a row one after the other, filled up to whole blocks of depth.
import { Assembler, Label } from "../assembler.ts";
import { type CallingConvention, leave } from "../calling.ts";
import type { InstructionSet } from "../instruction_set.ts";
import { at, r13, r14, r8, r9, rax, rcx, rdx, rsi, zmm } from "../operands.ts";
import { enterPacking, type PackingShape } from "../packing.ts";
import { BLOCK, PITCH } from "./product_shape.ts";
import { Rounding } from "./rounding.ts";

/** The code of such packing. */
export function assemblePackRows(
  _set: InstructionSet,
  convention: CallingConvention,
  { rowBytes }: PackingShape,
): Uint8Array<ArrayBuffer> {
  const assembler = new Assembler();
  const rounding = new Rounding(assembler);
  const [row, next, rest, end] = [new Label(), new Label(), new Label(), new Label()];
  enterPacking(assembler, convention);
  assembler.bind(row);
  assembler.move(rax, rsi);
  assembler.move(rcx, rdx);
  assembler.move(r8, r14);
  assembler.operateNumber("sub", r8, BLOCK);
  assembler.jumpIf("below", rest);
  assembler.bind(next);
  rounding.roundRow(0, at(rax), 1);
  assembler.vector("vmovups_store", [at(rcx), zmm(0)]);
  assembler.operateNumber("add", rax, BLOCK * 4);
  assembler.operateNumber("add", rcx, BLOCK * 2);
  assembler.operateNumber("sub", r8, BLOCK);
  assembler.jumpIf("aboveOrEqual", next);
  assembler.bind(rest);
  assembler.operateNumber("add", r8, BLOCK);
  assembler.jumpIf("equal", end);
  rounding.setRowMasks(r8, r9);
  rounding.roundRow(0, at(rax), 1, true);
  assembler.vector("vmovups_store", [at(rcx), zmm(0)]);
  assembler.bind(end);
  assembler.operateNumber("add", rsi, rowBytes);
  assembler.operateNumber("add", rdx, PITCH);
  assembler.operateNumber("sub", r13, 1);
  assembler.jumpIf("notEqual", row);
  leave(assembler, convention);
  rounding.finish();
  return assembler.finish();
}
