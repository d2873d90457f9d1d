// Packs columns of B where its rows lie in memory as they are: see pack_across.ts for how it then lies.
import { Assembler, Label } from "../assembler.ts";
import { type CallingConvention, enter, leave, loadAddress, loadParameter } from "../calling.ts";
import { type InstructionSet, Lanes } from "../instruction_set.ts";
import { at, r10, r11, r12, r13, r14, r15, r8, r9, rax, rbx, rcx, rdi, rdx, rsi, zmm } from "../operands.ts";
import { type Bf16PackingShape, BLOCK, PACKING_PARAMETERS, PANEL_BLOCK_BYTES, PANEL_COLUMNS } from "./product_shape.ts";
import { Rounding } from "./rounding.ts";

const [FIRST, SECOND, ORDER] = [0, 1, 2];
const MASK = 1;

/** How many of a pair's rows there are. */
type Rows = 0 | 1 | 2;

/** The code of such packing. */
export function assemblePackAlong(
  set: InstructionSet,
  convention: CallingConvention,
  { rowBytes, edge }: Bf16PackingShape,
): Uint8Array<ArrayBuffer> {
  const assembler = new Assembler();
  const rounding = new Rounding(assembler);
  const lanes = new Lanes(assembler, set);
  const edgeVectors = Math.ceil(edge / set.lanes);
  const last = edge - (edgeVectors - 1) * set.lanes;
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
  // Pairs of rows as many times as r14 says, at least once: r8 counts in the edge's panel, by its own step.
  const packPairs = (rows: Rows) => {
    const [row, panel, afterPanels, afterEdge] = [new Label(), new Label(), new Label(), new Label()];
    assembler.bind(row);
    assembler.move(rax, rsi);
    assembler.move(rcx, rdx);
    assembler.move(r9, r13);
    assembler.operateNumber("cmp", r9, 0);
    assembler.jumpIf("equal", afterPanels);
    assembler.bind(panel);
    for (let j = 0; j < 2; j++) packVector(rows, j);
    assembler.operateNumber("add", rax, PANEL_COLUMNS * 4);
    assembler.operate("add", rcx, r10);
    assembler.operateNumber("sub", r9, 1);
    assembler.jumpIf("notEqual", panel);
    assembler.bind(afterPanels);
    if (edge > 0) {
      assembler.operateNumber("cmp", r12, 0);
      assembler.jumpIf("equal", afterEdge);
      // So far, rcx counted by the step of whole panels.
      assembler.operate("add", rcx, r8);
      for (let j = 0; j < edgeVectors; j++) {
        packVector(rows, j, j === edgeVectors - 1 && last < set.lanes ? MASK : undefined);
      }
      assembler.operateNumber("sub", r8, PANEL_COLUMNS * 4 - edgeVectors * 64);
      assembler.bind(afterEdge);
    }
    assembler.operateNumber("add", rsi, rows * rowBytes);
    assembler.operateNumber("add", rdx, PANEL_COLUMNS * 4);
    assembler.operateNumber("sub", r14, 1);
    assembler.jumpIf("notEqual", row);
  };
  const [odd, filling, end] = [new Label(), new Label(), new Label()];
  enter(assembler, convention);
  loadAddress(assembler, rsi, PACKING_PARAMETERS.from);
  loadAddress(assembler, rdx, PACKING_PARAMETERS.to);
  loadParameter(assembler, r15, PACKING_PARAMETERS.depth);
  loadParameter(assembler, r13, PACKING_PARAMETERS.wholePanels);
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
