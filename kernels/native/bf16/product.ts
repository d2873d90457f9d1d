// Products of matrices rounded to bf16, with sums in float32: rows of tiles of C, which are 32 columns wide.
//   C (+)= A B over a block of depth. Both lie packed: A by pack_rows.ts or pack_columns.ts, B by pack_across.ts or pack_along.ts.
// Each element of C is one sum over the block, ascending: how C is cut into tiles makes no difference to its bits.
// Source of the scheme: Goto & van de Geijn 2008, doi:10.1145/1356052.1356053; of the format: Kalamkar et al. 2019,
// arXiv:1905.12322
import { Assembler, Label } from "../assembler.ts";
import { type CallingConvention, enter, leave, loadAddress, loadParameter } from "../calling.ts";
import type { InstructionSet } from "../instruction_set.ts";
import { at, r11, r13, r14, r15, r9, rbp, rcx, rdi, rsi } from "../operands.ts";
import { MatrixTiles } from "./matrix_tiles.ts";
import { type Bf16ProductShape, PANEL_COLUMNS, PITCH, PRODUCT_PARAMETERS as WORD } from "./product_shape.ts";
import { VectorTiles } from "./vector_tiles.ts";

/** The code of such products. */
export function assembleBf16Product(
  set: InstructionSet,
  convention: CallingConvention,
  { unit, heights, cRowBytes, edge }: Bf16ProductShape,
): Uint8Array<ArrayBuffer> {
  const assembler = new Assembler();
  const tiles = unit === "amx" ? new MatrixTiles(assembler, cRowBytes) : new VectorTiles(assembler, set, cRowBytes);
  // As many rows of tiles of one height as a parameter says.
  const rowsOfTiles = (height: number, count: number) => {
    const [next, panel, afterPanels, afterEdge, end] = Array.from({ length: 5 }, () => new Label());
    loadParameter(assembler, rbp, count);
    assembler.operateNumber("cmp", rbp, 0);
    assembler.jumpIf("equal", end);
    assembler.bind(next);
    loadAddress(assembler, r15, WORD.b);
    assembler.move(rcx, r13);
    loadParameter(assembler, r9, WORD.wholePanels);
    assembler.operateNumber("cmp", r9, 0);
    assembler.jumpIf("equal", afterPanels);
    tiles.begin(height, PANEL_COLUMNS);
    assembler.bind(panel);
    tiles.tile(height, PANEL_COLUMNS);
    assembler.operateNumber("add", rcx, PANEL_COLUMNS * 4);
    assembler.operate("add", r15, r11);
    assembler.operateNumber("sub", r9, 1);
    assembler.jumpIf("notEqual", panel);
    assembler.bind(afterPanels);
    if (edge > 0) {
      assembler.compareMemory(at(rdi, 8 + WORD.hasEdge * 4), 0);
      assembler.jumpIf("equal", afterEdge);
      tiles.begin(height, edge);
      tiles.tile(height, edge);
      assembler.bind(afterEdge);
    }
    assembler.operateNumber("add", rsi, height * PITCH);
    assembler.operateNumber("add", r13, height * cRowBytes);
    assembler.operateNumber("sub", rbp, 1);
    assembler.jumpIf("notEqual", next);
    assembler.bind(end);
  };
  enter(assembler, convention);
  loadAddress(assembler, rsi, WORD.a);
  loadAddress(assembler, r13, WORD.c);
  loadParameter(assembler, r14, WORD.blocks);
  loadParameter(assembler, r11, WORD.panelBytes);
  rowsOfTiles(heights[0], WORD.firstTiles);
  if (heights[1] > 0) rowsOfTiles(heights[1], WORD.laterTiles);
  tiles.end();
  leave(assembler, convention);
  tiles.finish();
  return assembler.finish();
}
