// The loop by which rows of B that lie in memory as they are go into panels, whatever is packed of each.
import { type Assembler, Label } from "./assembler.ts";
import type { InstructionSet } from "./instruction_set.ts";
import { r10, r12, r13, r14, r8, r9, rax, rcx, rdx, rsi } from "./operands.ts";

/** What is packed of a row. */
export interface RowPacking {
  /** Bytes from one row to the next, as the matrix lies in memory. */
  readonly rowBytes: number;
  /** Columns right of the last panel of two vectors. */
  readonly edge: number;
  /**
   * Packs a vector from where rax points, and that many vectors on, to the same vector from where rcx points.
   * @param isCut Whether it has fewer columns than lanes: as many as `lastLanes` says.
   */
  readonly packVector: (vector: number, isCut: boolean) => void;
  /** What is done after the vectors of a whole panel. */
  readonly afterPanel?: () => void;
}

/** How many vectors so many columns at the edge take. */
function vectorsOf(edge: number, set: InstructionSet): number {
  return Math.ceil(edge / set.lanes);
}

/** How many columns the last vector at the edge has. */
export function lastLanes(edge: number, set: InstructionSet): number {
  return edge - (vectorsOf(edge, set) - 1) * set.lanes;
}

/**
 * Packs rows, as many as r14 says, at least one: of each, as many whole panels as r13 says, and the one at the edge unless
 * r12 is 0. They are read from rsi on, and go to rdx on, r10 bytes from a panel to the next. What r8 holds, at first 0, is
 * how much further the edge's panel begins: its steps may be shorter than those of whole panels.
 */
export function packRowsIntoPanels(assembler: Assembler, set: InstructionSet, packing: RowPacking): void {
  const { rowBytes, edge, packVector, afterPanel } = packing;
  const panelStep = set.lanes * 8;
  const [row, panel, afterPanels, afterEdge] = [new Label(), new Label(), new Label(), new Label()];
  assembler.bind(row);
  assembler.move(rax, rsi);
  assembler.move(rcx, rdx);
  assembler.move(r9, r13);
  assembler.operateNumber("cmp", r9, 0);
  assembler.jumpIf("equal", afterPanels);
  assembler.bind(panel);
  for (let j = 0; j < 2; j++) packVector(j, false);
  afterPanel?.();
  assembler.operateNumber("add", rax, panelStep);
  assembler.operate("add", rcx, r10);
  assembler.operateNumber("sub", r9, 1);
  assembler.jumpIf("notEqual", panel);
  assembler.bind(afterPanels);
  if (edge > 0) {
    const vectors = vectorsOf(edge, set);
    assembler.operateNumber("cmp", r12, 0);
    assembler.jumpIf("equal", afterEdge);
    // So far, rcx counted by the step of whole panels.
    assembler.operate("add", rcx, r8);
    for (let j = 0; j < vectors; j++) packVector(j, j === vectors - 1 && lastLanes(edge, set) < set.lanes);
    assembler.operateNumber("sub", r8, panelStep - vectors * set.lanes * 4);
    assembler.bind(afterEdge);
  }
  assembler.operateNumber("add", rsi, rowBytes);
  assembler.operateNumber("add", rdx, panelStep);
  assembler.operateNumber("sub", r14, 1);
  assembler.jumpIf("notEqual", row);
}
