// Packs A where its columns lie in memory as rows: see pack_rows.ts for how it then lies. Squares of 16 rows by 16 pairs are
// transposed. Rows are filled up to a multiple of 16, with anything.
import { Assembler, Label } from "../assembler.ts";
import { packBlocks } from "../blocks_of_depth.ts";
import { type CallingConvention, leave } from "../calling.ts";
import type { InstructionSet } from "../instruction_set.ts";
import { at, r10, r12, r13, r8, rax, rcx, rdx, rsi, zmm } from "../operands.ts";
import { enterPacking, type PackingShape } from "../packing.ts";
import { transpose } from "../transpose.ts";
import { BLOCK, PITCH } from "./product_shape.ts";
import { Rounding } from "./rounding.ts";

/** Rows of a square. */
const ROWS = 16;
/** Vector registers beside the square's. */
const [FIRST, SECOND, ORDER] = [16, 17, 18];
/** The mask of A's rows that there are. */
const MASK = { mask: 1, zero: true } as const;

/** The code of such packing. */
export function assemblePackColumns(
  set: InstructionSet,
  convention: CallingConvention,
  { rowBytes }: PackingShape,
): Uint8Array<ArrayBuffer> {
  const assembler = new Assembler();
  const rounding = new Rounding(assembler);
  // Squares next to each other, over a block of depth.
  const squares = (load: () => void) => {
    const [square, whole] = [new Label(), new Label()];
    assembler.move(rax, rsi);
    assembler.move(rcx, rdx);
    assembler.move(r12, r13);
    assembler.bind(square);
    assembler.moveNumber(r10, 0xffffn);
    assembler.operateNumber("cmp", r12, ROWS);
    assembler.jumpIf("aboveOrEqual", whole);
    assembler.keepLowBits(r10, r10, r12);
    assembler.bind(whole);
    assembler.moveMask(MASK.mask, r10);
    rounding.loadOrder(ORDER, r10);
    load();
    for (const [row, register] of transpose(assembler, set).entries()) {
      assembler.vector("vmovups_store", [at(rcx, row * PITCH), zmm(register)]);
    }
    assembler.operateNumber("add", rax, ROWS * 4);
    assembler.operateNumber("add", rcx, ROWS * PITCH);
    assembler.operateNumber("sub", r12, ROWS);
    assembler.jumpIf("above", square);
  };
  const loadStep = (to: number, step: number) => assembler.vector("vmovups", [zmm(to), at(rax, step * rowBytes)], MASK);
  enterPacking(assembler, convention);
  packBlocks(assembler, {
    length: BLOCK,
    whole() {
      squares(() => {
        for (let pair = 0; pair < BLOCK / 2; pair++) {
          loadStep(FIRST, 2 * pair);
          loadStep(SECOND, 2 * pair + 1);
          rounding.pair(pair, FIRST, SECOND, ORDER);
        }
      });
      assembler.operateNumber("add", rsi, BLOCK * rowBytes);
      assembler.operateNumber("add", rdx, BLOCK * 2);
    },
    rest() {
      squares(() => {
        const loaded = new Label();
        for (let pair = 0; pair < BLOCK / 2; pair++) rounding.clear(pair);
        for (let pair = 0; pair < BLOCK / 2; pair++) {
          const single = new Label();
          loadStep(FIRST, 2 * pair);
          rounding.clear(SECOND);
          assembler.operateNumber("cmp", r8, 2 * pair + 1);
          assembler.jumpIf("equal", single);
          loadStep(SECOND, 2 * pair + 1);
          assembler.bind(single);
          rounding.pair(pair, FIRST, SECOND, ORDER);
          assembler.operateNumber("cmp", r8, 2 * pair + 2);
          assembler.jumpIf("belowOrEqual", loaded);
        }
        assembler.bind(loaded);
      });
    },
  });
  leave(assembler, convention);
  rounding.finish();
  return assembler.finish();
}
