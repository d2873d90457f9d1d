// Packs rows of A that lie in memory as they are: pairs of a row one after the other, filled up to whole blocks of depth.
import { Assembler, Label } from "../assembler.ts";
import { packBlocks } from "../blocks_of_depth.ts";
import { type CallingConvention, leave } from "../calling.ts";
import type { InstructionSet } from "../instruction_set.ts";
import { at, r13, r8, r9, rax, rcx, rdx, rsi, zmm } from "../operands.ts";
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
  const row = new Label();
  enterPacking(assembler, convention);
  assembler.bind(row);
  assembler.move(rax, rsi);
  assembler.move(rcx, rdx);
  packBlocks(assembler, {
    length: BLOCK,
    whole() {
      rounding.roundRow(0, at(rax), 1);
      assembler.vector("vmovups_store", [at(rcx), zmm(0)]);
      assembler.operateNumber("add", rax, BLOCK * 4);
      assembler.operateNumber("add", rcx, BLOCK * 2);
    },
    rest() {
      rounding.setRowMasks(r8, r9);
      rounding.roundRow(0, at(rax), 1, true);
      assembler.vector("vmovups_store", [at(rcx), zmm(0)]);
    },
  });
  assembler.operateNumber("add", rsi, rowBytes);
  assembler.operateNumber("add", rdx, PITCH);
  assembler.operateNumber("sub", r13, 1);
  assembler.jumpIf("notEqual", row);
  leave(assembler, convention);
  rounding.finish();
  return assembler.finish();
}
