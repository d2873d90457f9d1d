import type { Assembler } from "./assembler.ts";
import { type CallingConvention, enter, loadAddress, loadParameter } from "./calling.ts";
import { r13, r14, rdx, type Register, rsi } from "./operands.ts";

/** What the code that packs is made for. */
export interface PackingShape {
  /** Bytes from one row to the next, as the matrix lies in memory. */
  readonly rowBytes: number;
  /** Columns of B right of the last whole panel. */
  readonly edge: number;
}

/** The parameters of packing, in their order. */
export const PACKING_PARAMETERS = { from: 0, to: 1, depth: 2, wholePanels: 3, hasEdge: 4 } as const;

/**
 * The start of a function that packs: afterwards rsi holds where from, rdx where to, r13 how many panels are whole (or, for
 * a matrix that is packed by its rows, how many rows), and one more register the depth.
 */
export function enterPacking(assembler: Assembler, convention: CallingConvention, depth: Register = r14): void {
  enter(assembler, convention);
  loadAddress(assembler, rsi, PACKING_PARAMETERS.from);
  loadAddress(assembler, rdx, PACKING_PARAMETERS.to);
  loadParameter(assembler, depth, PACKING_PARAMETERS.depth);
  loadParameter(assembler, r13, PACKING_PARAMETERS.wholePanels);
}
