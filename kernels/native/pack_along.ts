// Packs columns of a matrix whose rows hold numbers of one step of depth: panels of (depth, two vectors), one after the
// other, and one that may be narrower at the right edge.
import { Assembler, Label } from "./assembler.ts";
import { type CallingConvention, enter, leave, loadAddress, loadParameter } from "./calling.ts";
import { type InstructionSet, Lanes } from "./instruction_set.ts";
import { at, r10, r11, r12, r13, r14, r8, r9, rax, rcx, rdi, rdx, rsi } from "./operands.ts";
import { PACKING_PARAMETERS, type PackingShape } from "./packing.ts";

/** The code of such packing. */
export function assemblePackAlong(
  set: InstructionSet,
  convention: CallingConvention,
  { rowBytes, edge }: PackingShape,
): Uint8Array<ArrayBuffer> {
  const assembler = new Assembler();
  const lanes = new Lanes(assembler, set);
  const panelStep = set.lanes * 8;
  const edgeVectors = Math.ceil(edge / set.lanes);
  const last = edge - (edgeVectors - 1) * set.lanes;
  const mask = set.name === "avx512" ? 1 : 14;
  enter(assembler, convention);
  loadAddress(assembler, rsi, PACKING_PARAMETERS.from);
  loadAddress(assembler, rdx, PACKING_PARAMETERS.to);
  loadParameter(assembler, r14, PACKING_PARAMETERS.depth);
  loadParameter(assembler, r13, PACKING_PARAMETERS.wholePanels);
  if (edge > 0 && last < set.lanes) lanes.setMask(mask, last, rax);
  // From a panel to the next, and where the edge's begins.
  assembler.multiply(r10, r14, panelStep);
  assembler.move(r11, r13);
  assembler.load(r12, at(rdi, 8 + PACKING_PARAMETERS.hasEdge * 4));
  const [row, panel, afterPanels, afterEdge] = [new Label(), new Label(), new Label(), new Label()];
  // r8 counts in the edge's panel, by its own step.
  assembler.moveNumber(r8, 0n);
  assembler.bind(row);
  assembler.move(rax, rsi);
  assembler.move(rcx, rdx);
  assembler.move(r9, r13);
  assembler.operateNumber("cmp", r9, 0);
  assembler.jumpIf("equal", afterPanels);
  assembler.bind(panel);
  for (let j = 0; j < 2; j++) {
    lanes.load(j, at(rax, j * set.lanes * 4));
    lanes.store(at(rcx, j * set.lanes * 4), j);
  }
  assembler.prefetch(at(rax, rowBytes * 4));
  if (panelStep > 64) assembler.prefetch(at(rax, rowBytes * 4 + 64));
  assembler.operateNumber("add", rax, panelStep);
  assembler.operate("add", rcx, r10);
  assembler.operateNumber("sub", r9, 1);
  assembler.jumpIf("notEqual", panel);
  assembler.bind(afterPanels);
  if (edge > 0) {
    assembler.operateNumber("cmp", r12, 0);
    assembler.jumpIf("equal", afterEdge);
    // The panels before are as wide as two vectors; so far, rcx counted by their step.
    assembler.operate("add", rcx, r8);
    for (let j = 0; j < edgeVectors; j++) {
      lanes.load(j, at(rax, j * set.lanes * 4), j === edgeVectors - 1 && last < set.lanes ? mask : undefined);
      lanes.store(at(rcx, j * set.lanes * 4), j);
    }
    assembler.operateNumber("sub", r8, panelStep - edgeVectors * set.lanes * 4);
    assembler.bind(afterEdge);
  }
  assembler.operateNumber("add", rsi, rowBytes);
  assembler.operateNumber("add", rdx, panelStep);
  assembler.operateNumber("sub", r14, 1);
  assembler.jumpIf("notEqual", row);
  leave(assembler, convention);
  lanes.finish();
  return assembler.finish();
}
