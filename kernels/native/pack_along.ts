// Packs columns of a matrix whose rows hold numbers of one step of depth: panels of (depth, two vectors), one after the
// other, and one that may be narrower at the right edge.
import { Assembler } from "./assembler.ts";
import { type CallingConvention, leave } from "./calling.ts";
import { type InstructionSet, Lanes } from "./instruction_set.ts";
import { at, r10, r11, r12, r13, r14, r8, rax, rcx, rdi } from "./operands.ts";
import { enterPacking, PACKING_PARAMETERS, type PackingShape } from "./packing.ts";
import { lastLanes, packRowsIntoPanels } from "./rows_into_panels.ts";

/** The code of such packing. */
export function assemblePackAlong(
  set: InstructionSet,
  convention: CallingConvention,
  { rowBytes, edge }: PackingShape,
): Uint8Array<ArrayBuffer> {
  const assembler = new Assembler();
  const lanes = new Lanes(assembler, set);
  const panelStep = set.lanes * 8;
  const last = lastLanes(edge, set);
  const mask = set.name === "avx512" ? 1 : 14;
  enterPacking(assembler, convention);
  if (edge > 0 && last < set.lanes) lanes.setMask(mask, last, rax);
  // From a panel to the next, and where the edge's begins.
  assembler.multiply(r10, r14, panelStep);
  assembler.move(r11, r13);
  assembler.load(r12, at(rdi, 8 + PACKING_PARAMETERS.hasEdge * 4));
  assembler.moveNumber(r8, 0n);
  packRowsIntoPanels(assembler, set, {
    rowBytes,
    edge,
    packVector(j, isCut) {
      lanes.load(j, at(rax, j * set.lanes * 4), isCut ? mask : undefined);
      lanes.store(at(rcx, j * set.lanes * 4), j);
    },
    afterPanel() {
      assembler.prefetch(at(rax, rowBytes * 4));
      if (panelStep > 64) assembler.prefetch(at(rax, rowBytes * 4 + 64));
    },
  });
  leave(assembler, convention);
  lanes.finish();
  return assembler.finish();
}
