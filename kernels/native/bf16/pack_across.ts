// Packs columns of B that lie in memory as rows: panels of (pairs of depth, 32 columns), one after the other, and one that
// may be narrower at the right edge, all filled up to whole blocks of depth. Squares of 16 pairs by 16 columns are transposed.
import { Assembler, Label } from "../assembler.ts";
import { packBlocks } from "../blocks_of_depth.ts";
import { type CallingConvention, leave } from "../calling.ts";
import type { InstructionSet } from "../instruction_set.ts";
import { at, r12, r13, r14, r8, r9, rax, rcx, rdi, rdx, rsi, zmm } from "../operands.ts";
import { enterPacking, PACKING_PARAMETERS, type PackingShape } from "../packing.ts";
import { transpose } from "../transpose.ts";
import { BLOCK, PANEL_BLOCK_BYTES } from "./product_shape.ts";
import { Rounding } from "./rounding.ts";

/** Columns of a square. */
const COLUMNS = 16;

/** The code of such packing. */
export function assemblePackAcross(
  set: InstructionSet,
  convention: CallingConvention,
  { rowBytes, edge }: PackingShape,
): Uint8Array<ArrayBuffer> {
  const assembler = new Assembler();
  const rounding = new Rounding(assembler);
  // A square's columns over the depth, from rsi on; where there are fewer, the last one again.
  const packColumns = (columns: number, offset: number, panelStep: number) => {
    const square = (masked: boolean) => {
      for (let i = 0; i < COLUMNS; i++) {
        rounding.roundRow(i, at(rax, Math.min(i, columns - 1) * rowBytes), COLUMNS, masked);
      }
      for (const [pair, register] of transpose(assembler, set).entries()) {
        assembler.vector("vmovups_store", [at(rcx, pair * panelStep), zmm(register)]);
      }
    };
    assembler.move(rax, rsi);
    assembler.address(rcx, at(rdx, offset));
    packBlocks(assembler, {
      length: BLOCK,
      whole() {
        square(false);
        assembler.operateNumber("add", rax, BLOCK * 4);
        assembler.operateNumber("add", rcx, BLOCK / 2 * panelStep);
      },
      rest() {
        rounding.setRowMasks(r8, r9);
        square(true);
      },
    });
    assembler.operateNumber("add", rsi, COLUMNS * rowBytes);
  };
  const [panel, edgePanel, end] = [new Label(), new Label(), new Label()];
  enterPacking(assembler, convention);
  assembler.address(r12, at(r14, BLOCK - 1));
  assembler.shift("right", r12, Math.log2(BLOCK));
  assembler.multiply(r12, r12, PANEL_BLOCK_BYTES);
  assembler.operateNumber("cmp", r13, 0);
  assembler.jumpIf("equal", edgePanel);
  assembler.bind(panel);
  for (let half = 0; half < 2; half++) packColumns(COLUMNS, half * 64, 128);
  assembler.operate("add", rdx, r12);
  assembler.operateNumber("sub", r13, 1);
  assembler.jumpIf("notEqual", panel);
  assembler.bind(edgePanel);
  if (edge > 0) {
    assembler.compareMemory(at(rdi, 8 + PACKING_PARAMETERS.hasEdge * 4), 0);
    assembler.jumpIf("equal", end);
    const vectors = Math.ceil(edge / COLUMNS);
    for (let j = 0; j < vectors; j++) packColumns(Math.min(COLUMNS, edge - j * COLUMNS), j * 64, vectors * 64);
    assembler.bind(end);
  }
  leave(assembler, convention);
  rounding.finish();
  return assembler.finish();
}
