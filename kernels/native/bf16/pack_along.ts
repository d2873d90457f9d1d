// Packs columns of B where its rows lie in memory as they are: see pack_across.ts for how it then lies.
import { Assembler, Label } from "../assembler.ts";
import { type CallingConvention, leave } from "../calling.ts";
import { type InstructionSet, Lanes } from "../instruction_set.ts";
import { at, r10, r11, r12, r14, r15, r8, rax, rbx, rcx, rdi, zmm } from "../operands.ts";
import { enterPacking, PACKING_PARAMETERS, type PackingShape } from "../packing.ts";
import { lastLanes, packRowsIntoPanels } from "../rows_into_panels.ts";
import { BLOCK, PANEL_BLOCK_BYTES } from "./product_shape.ts";
import { Rounding } from "./rounding.ts";

const [FIRST, SECOND, ORDER] = [0, 1, 2];
const MASK = 1;

/** How many of a pair's rows there are. */
type Rows = 0 | 1 | 2;

/** The code of such packing. */
export function assemblePackAlong(
  set: InstructionSet,
  convention: CallingConvention,
  { rowBytes, edge }: PackingShape,
): Uint8Array<ArrayBuffer> {
  const assembler = new Assembler();
  const rounding = new Rounding(assembler);
  const lanes = new Lanes(assembler, set);
  const last = lastLanes(edge, set);
  const packVector = (rows: Rows, j: number, mask?: number) => {
    if (rows === 0) rounding.clear(FIRST);
    else {
      lanes.load(FIRST, at(rax, j * 64), mask);
      if (rows === 1) rounding.clear(SECOND);
      else lanes.load(SECOND, at(rax, rowBytes + j * 64), mask);
      rounding.pair(FIRST, FIRST, SECOND, ORDER);
    }
    assembler.vector("vmovups_store", [at(rcx, j * 64), zmm(FIRST)]);
  };
  // Pairs of rows as many times as r14 says, at least once.
  const packPairs = (rows: Rows) =>
    packRowsIntoPanels(assembler, set, {
      rowBytes: rows * rowBytes,
      edge,
      packVector: (j, isCut) => packVector(rows, j, isCut ? MASK : undefined),
    });
  const [odd, filling, end] = [new Label(), new Label(), new Label()];
  enterPacking(assembler, convention, r15);
  assembler.load(r12, at(rdi, 8 + PACKING_PARAMETERS.hasEdge * 4));
  if (edge > 0 && last < set.lanes) lanes.setMask(MASK, last, rax);
  rounding.loadOrder(ORDER, rax);
  // Blocks, from a panel to the next, and pairs up to the end of the last block that are there only to fill it.
  assembler.address(r11, at(r15, BLOCK - 1));
  assembler.shift("right", r11, Math.log2(BLOCK));
  assembler.multiply(r10, r11, PANEL_BLOCK_BYTES);
  assembler.shift("left", r11, Math.log2(BLOCK / 2));
  assembler.address(rbx, at(r15, 1));
  assembler.shift("right", rbx, 1);
  assembler.operate("sub", r11, rbx);
  assembler.moveNumber(r8, 0n);
  assembler.move(r14, r15);
  assembler.shift("right", r14, 1);
  assembler.operateNumber("cmp", r14, 0);
  assembler.jumpIf("equal", odd);
  packPairs(2);
  assembler.bind(odd);
  assembler.operateNumber("and", r15, 1);
  assembler.move(r14, r15);
  assembler.operateNumber("cmp", r14, 0);
  assembler.jumpIf("equal", filling);
  packPairs(1);
  assembler.bind(filling);
  assembler.move(r14, r11);
  assembler.operateNumber("cmp", r14, 0);
  assembler.jumpIf("equal", end);
  packPairs(0);
  assembler.bind(end);
  leave(assembler, convention);
  rounding.finish();
  lanes.finish();
  return assembler.finish();
}
