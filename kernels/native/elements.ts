import { type Assembler, Label } from "./assembler.ts";
import type { InstructionSet, Lanes, Mask } from "./instruction_set.ts";
import type { Register } from "./operands.ts";

/**
 * Repeats what `body` emits for each vector of some numbers, at least one; for those that fill none, with a mask.
 * @param offset Counts bytes, from 0. @param count How many there are; used up. @param free Used for the mask.
 */
export function forEachElement(
  assembler: Assembler,
  set: InstructionSet,
  lanes: Lanes,
  { offset, count, free, mask }: {
    readonly offset: Register;
    readonly count: Register;
    readonly free: Register;
    readonly mask: Mask;
  },
  body: (mask?: Mask) => void,
): void {
  const [next, rest, end] = [new Label(), new Label(), new Label()];
  assembler.operate("xor", offset, offset);
  assembler.operateNumber("sub", count, set.lanes);
  assembler.jumpIf("below", rest);
  assembler.align(32);
  assembler.bind(next);
  body();
  assembler.operateNumber("add", offset, set.lanes * 4);
  assembler.operateNumber("sub", count, set.lanes);
  assembler.jumpIf("aboveOrEqual", next);
  assembler.bind(rest);
  assembler.operateNumber("add", count, set.lanes);
  assembler.jumpIf("equal", end);
  lanes.setMaskOf(mask, count, free);
  body(mask);
  assembler.bind(end);
}
