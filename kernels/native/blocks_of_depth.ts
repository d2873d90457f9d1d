import { type Assembler, Label } from "./assembler.ts";
import { r14, r8 } from "./operands.ts";

/** What is done for a block of depth. */
export interface BlockPacking {
  /** Numbers of a whole block. */
  readonly length: number;
  /** For a whole block, which has to move its pointers on. Leaves r8 as it is. */
  readonly whole: () => void;
  /** For the numbers after the last whole block, if there are any: as many as r8 says. It may jump to `end`. */
  readonly rest: (end: Label) => void;
}

/** Goes through a depth, which r14 says, block by block. It counts in r8. */
export function packBlocks(assembler: Assembler, { length, whole, rest }: BlockPacking): void {
  const [next, after, end] = [new Label(), new Label(), new Label()];
  assembler.move(r8, r14);
  assembler.operateNumber("sub", r8, length);
  assembler.jumpIf("below", after);
  assembler.bind(next);
  whole();
  assembler.operateNumber("sub", r8, length);
  assembler.jumpIf("aboveOrEqual", next);
  assembler.bind(after);
  assembler.operateNumber("add", r8, length);
  assembler.jumpIf("equal", end);
  rest(end);
  assembler.bind(end);
}
