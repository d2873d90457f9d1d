// Packs rows of a matrix that are columns of B: panels of (depth, two vectors), one after the other, and one that may be
// narrower at the right edge. Blocks as long as a vector are transposed.
import { Assembler, Label } from "./assembler.ts";
import { packBlocks } from "./blocks_of_depth.ts";
import { type CallingConvention, leave } from "./calling.ts";
import { type InstructionSet, Lanes } from "./instruction_set.ts";
import { at, r12, r13, r14, r8, r9, rax, rcx, rdi, rdx, rsi } from "./operands.ts";
import { enterPacking, PACKING_PARAMETERS, type PackingShape } from "./packing.ts";
import { transpose } from "./transpose.ts";

/** The code of such packing. */
export function assemblePackAcross(
  set: InstructionSet,
  convention: CallingConvention,
  shape: PackingShape,
): Uint8Array<ArrayBuffer> {
  const assembler = new Assembler();
  const lanes = new Lanes(assembler, set);
  const vectorBytes = set.lanes * 4;
  enterPacking(assembler, convention);
  assembler.multiply(r12, r14, vectorBytes * 2);
  const [panel, edgePanel, end] = [new Label(), new Label(), new Label()];
  assembler.operateNumber("cmp", r13, 0);
  assembler.jumpIf("equal", edgePanel);
  assembler.bind(panel);
  for (let half = 0; half < 2; half++) {
    packRows(assembler, lanes, set, shape.rowBytes, set.lanes, half * vectorBytes, vectorBytes * 2);
    assembler.operateNumber("add", rsi, set.lanes * shape.rowBytes);
  }
  assembler.operate("add", rdx, r12);
  assembler.operateNumber("sub", r13, 1);
  assembler.jumpIf("notEqual", panel);
  assembler.bind(edgePanel);
  if (shape.edge > 0) {
    assembler.compareMemory(at(rdi, 8 + PACKING_PARAMETERS.hasEdge * 4), 0);
    assembler.jumpIf("equal", end);
    const vectors = Math.ceil(shape.edge / set.lanes);
    for (let j = 0; j < vectors; j++) {
      const rows = Math.min(set.lanes, shape.edge - j * set.lanes);
      packRows(assembler, lanes, set, shape.rowBytes, rows, j * vectorBytes, vectors * vectorBytes);
      if (j < vectors - 1) assembler.operateNumber("add", rsi, set.lanes * shape.rowBytes);
    }
    assembler.bind(end);
  }
  leave(assembler, convention);
  lanes.finish();
  return assembler.finish();
}

/**
 * Packs as many rows as a vector has lanes, from rsi on; where there are fewer, the last one again.
 * @param offset Where they go in each step of the panel at rdx.
 * @param panelStep Bytes of a step of the panel.
 */
function packRows(
  assembler: Assembler,
  lanes: Lanes,
  set: InstructionSet,
  rowBytes: number,
  rows: number,
  offset: number,
  panelStep: number,
): void {
  const mask = set.name === "avx512" ? 1 : 15;
  const load = (masked?: number) => {
    for (let i = 0; i < set.lanes; i++) lanes.load(i, at(rax, Math.min(i, rows - 1) * rowBytes), masked);
  };
  assembler.move(rax, rsi);
  assembler.address(rcx, at(rdx, offset));
  packBlocks(assembler, {
    length: set.lanes,
    whole() {
      load();
      for (const [p, column] of transpose(assembler, set).entries()) lanes.store(at(rcx, p * panelStep), column);
      assembler.operateNumber("add", rax, set.lanes * 4);
      assembler.operateNumber("add", rcx, set.lanes * panelStep);
    },
    rest(end) {
      lanes.setMaskOf(mask, r8, r9);
      load(mask);
      for (const [p, column] of transpose(assembler, set).entries()) {
        if (p === set.lanes - 1) break;
        lanes.store(at(rcx, p * panelStep), column);
        assembler.operateNumber("cmp", r8, p + 1);
        assembler.jumpIf("equal", end);
      }
    },
  });
}
