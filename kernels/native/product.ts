// The innermost part of every matrix product: rows of tiles of C, which are as wide as two vectors.
//   C (+)= A B over a block of depth. A lies in memory as it is; B is packed (pack_across.ts, pack_along.ts).
// A is copied first: a tile's rows, so that no rows share cache lines' places, whatever their distance; or, where it lies
// transposed, the columns of all tiles, each panel by itself, so that each of its lines is read once.
// Each element of C is one sum over the block, ascending: how C is cut into tiles makes no difference to its bits.
// Source of the scheme: Goto & van de Geijn 2008, doi:10.1145/1356052.1356053
import { Assembler, Label } from "./assembler.ts";
import { type CallingConvention, enter, leave, loadAddress, loadParameter } from "./calling.ts";
import { type InstructionSet, Lanes } from "./instruction_set.ts";
import { COPY_PADDING, PITCH, PRODUCT_PARAMETERS, type ProductShape } from "./product_shape.ts";
import { at, r10, r11, r12, r13, r14, r15, r8, r9, rax, rbp, rbx, rcx, rdi, rdx, rsi } from "./operands.ts";

/** Where the edge's mask is, and with AVX2 also what it needs to add to C. */
const MASK = { avx512: 1, avx2: 14 } as const;
const FREE = 15;

/** Of each row of A in the next row of tiles, what is asked for at one panel: two cache lines. */
const ASKED_BYTES = 128;

/** The code of such products. */
export function assembleProduct(
  set: InstructionSet,
  convention: CallingConvention,
  shape: ProductShape,
): Uint8Array<ArrayBuffer> {
  const assembler = new Assembler();
  const emitter = new ProductEmitter(assembler, set, shape);
  enter(assembler, convention);
  loadAddress(assembler, rsi, PRODUCT_PARAMETERS.a);
  loadAddress(assembler, r13, PRODUCT_PARAMETERS.c);
  loadAddress(assembler, rbx, PRODUCT_PARAMETERS.copy);
  loadParameter(assembler, r14, PRODUCT_PARAMETERS.depth);
  loadParameter(assembler, r11, PRODUCT_PARAMETERS.panelBytes);
  if (shape.layoutOfA === "along") emitter.copyAlong();
  emitter.rowsOfTiles(shape.heights[0], PRODUCT_PARAMETERS.firstTiles);
  if (shape.heights[1] > 0) emitter.rowsOfTiles(shape.heights[1], PRODUCT_PARAMETERS.laterTiles);
  leave(assembler, convention);
  emitter.finish();
  return assembler.finish();
}

/**
 * Registers throughout: rdi parameters, rsi A at the row of tiles, rbx its copy, r13 C at the row of tiles, r14 depth,
 * r11 from a panel of B to the next; in a row of tiles: r15 and rcx B and C at the tile, rbp rows of tiles left, r9 panels left,
 * r10 and r12 what is asked for.
 */
class ProductEmitter {
  readonly #lanes: Lanes;

  constructor(
    readonly assembler: Assembler,
    readonly set: InstructionSet,
    readonly shape: ProductShape,
  ) {
    this.#lanes = new Lanes(assembler, set);
  }

  finish(): void {
    this.#lanes.finish();
  }

  /** As many rows of tiles of one height as a parameter says. */
  rowsOfTiles(height: number, count: number): void {
    const { assembler, shape } = this;
    const [next, end] = [new Label(), new Label()];
    loadParameter(assembler, rbp, count);
    assembler.operateNumber("cmp", rbp, 0);
    assembler.jumpIf("equal", end);
    assembler.bind(next);
    if (shape.layoutOfA === "across") this.#copyAcross(height);
    loadAddress(assembler, r15, PRODUCT_PARAMETERS.b);
    assembler.move(rcx, r13);
    this.#wholePanels(height);
    if (shape.edge > 0) this.#edgePanel(height);
    if (shape.layoutOfA === "across") assembler.operateNumber("add", rsi, height * shape.aRowBytes);
    else this.#nextCopy();
    assembler.operateNumber("add", r13, height * shape.cRowBytes);
    assembler.operateNumber("sub", rbp, 1);
    assembler.jumpIf("notEqual", next);
    assembler.bind(end);
  }

  /** Moves on to the next tile's copy of its columns. */
  #nextCopy(): void {
    const { assembler, set } = this;
    assembler.multiply(rax, r14, set.lanes * 4);
    assembler.operate("add", rbx, rax);
    assembler.operateNumber("add", rbx, COPY_PADDING);
  }

  /** Copies rows of A over the depth. */
  #copyAcross(height: number): void {
    const { assembler, set, shape } = this;
    const mask = MASK[set.name];
    const [next, rest, end] = [new Label(), new Label(), new Label()];
    const copyRows = (masked?: number) => {
      for (let i = 0; i < height; i++) {
        this.#lanes.load(0, at(rax, i * shape.aRowBytes), masked);
        this.#lanes.store(at(r10, i * PITCH), 0);
      }
    };
    assembler.move(rax, rsi);
    assembler.move(r10, rbx);
    assembler.move(r8, r14);
    assembler.operateNumber("sub", r8, set.lanes);
    assembler.jumpIf("below", rest);
    assembler.bind(next);
    copyRows();
    assembler.operateNumber("add", rax, set.lanes * 4);
    assembler.operateNumber("add", r10, set.lanes * 4);
    assembler.operateNumber("sub", r8, set.lanes);
    assembler.jumpIf("aboveOrEqual", next);
    assembler.bind(rest);
    assembler.operateNumber("add", r8, set.lanes);
    assembler.jumpIf("equal", end);
    this.#lanes.setMaskOf(mask, r8, r9);
    copyRows(mask);
    assembler.bind(end);
  }

  /** Copies columns of A, of each tile a vector for each step of depth. */
  copyAlong(): void {
    const { assembler, set, shape: { heights, aRowBytes } } = this;
    const vectorBytes = set.lanes * 4;
    const masks = set.name === "avx512" ? [1, 2] : [14, 13];
    const next = new Label();
    assembler.multiply(r15, r14, vectorBytes);
    assembler.operateNumber("add", r15, COPY_PADDING);
    heights.forEach((height, i) => this.#lanes.setMask(masks[i], height, r9));
    assembler.move(r8, r14);
    assembler.move(r10, rbx);
    assembler.bind(next);
    assembler.move(rax, rsi);
    assembler.move(rdx, r10);
    [PRODUCT_PARAMETERS.firstTiles, PRODUCT_PARAMETERS.laterTiles].forEach((count, i) => {
      if (heights[i] === 0) return;
      const [tile, end] = [new Label(), new Label()];
      loadParameter(assembler, rbp, count);
      assembler.operateNumber("cmp", rbp, 0);
      assembler.jumpIf("equal", end);
      assembler.bind(tile);
      this.#lanes.load(0, at(rax), masks[i]);
      this.#lanes.store(at(rdx), 0);
      assembler.operateNumber("add", rax, heights[i] * 4);
      assembler.operate("add", rdx, r15);
      assembler.operateNumber("sub", rbp, 1);
      assembler.jumpIf("notEqual", tile);
      assembler.bind(end);
    });
    assembler.operateNumber("add", rsi, aRowBytes);
    assembler.operateNumber("add", r10, vectorBytes);
    assembler.operateNumber("sub", r8, 1);
    assembler.jumpIf("notEqual", next);
  }

  /** The tiles that are two vectors wide. */
  #wholePanels(height: number): void {
    const { assembler, set } = this;
    const [next, end] = [new Label(), new Label()];
    loadParameter(assembler, r9, PRODUCT_PARAMETERS.wholePanels);
    assembler.operateNumber("cmp", r9, 0);
    assembler.jumpIf("equal", end);
    assembler.bind(next);
    this.#tile(height, 2);
    assembler.operateNumber("add", rcx, set.lanes * 8);
    assembler.operate("add", r15, r11);
    assembler.operateNumber("sub", r9, 1);
    assembler.jumpIf("notEqual", next);
    assembler.bind(end);
  }

  /** The tile at C's right edge, where these columns reach it. */
  #edgePanel(height: number): void {
    const { assembler, set, shape } = this;
    const end = new Label();
    assembler.compareMemory(at(rdi, 8 + PRODUCT_PARAMETERS.hasEdge * 4), 0);
    assembler.jumpIf("equal", end);
    const vectors = Math.ceil(shape.edge / set.lanes);
    this.#tile(height, vectors, shape.edge - (vectors - 1) * set.lanes);
    assembler.bind(end);
  }

  /** One tile. @param last Columns of its last vector that lie in C, where those are not all. */
  #tile(height: number, vectors: number, last = this.set.lanes): void {
    const { assembler, set } = this;
    for (let i = 0; i < height * vectors; i++) this.#lanes.clear(i);
    const [next, rest, nextRest, store] = [new Label(), new Label(), new Label(), new Label()];
    const { layoutOfA, aRowBytes, cRowBytes } = this.shape;
    const step = layoutOfA === "across" ? 4 : set.lanes * 4;
    const panelStep = vectors * set.lanes * 4;
    const advance = (steps: number) => {
      assembler.operateNumber("add", rax, steps * step);
      assembler.operateNumber("add", rdx, steps * panelStep);
    };
    const fourSteps = () => {
      for (let p = 0; p < 4; p++) this.#step(height, vectors, p * step, p * panelStep);
      advance(4);
      assembler.operateNumber("sub", r8, 4);
      assembler.jumpIf("below", rest);
    };
    const stepsAsking = (bytes: number, rowBytes: number) => this.#whileAsking(height, bytes, rowBytes, fourSteps);
    assembler.move(rax, rbx);
    assembler.move(rdx, r15);
    assembler.move(r8, r14);
    assembler.operateNumber("sub", r8, 4);
    assembler.jumpIf("below", rest);
    // The tile's part of C, which is needed when its sums are ready.
    assembler.move(r10, rcx);
    stepsAsking(panelStep, cRowBytes);
    if (layoutOfA === "across" && vectors === 2 && last === set.lanes) {
      // Of the next row of tiles of A, as many bytes at this panel as will be all of it at the last.
      assembler.move(r10, r9);
      assembler.shift("left", r10, Math.log2(ASKED_BYTES));
      assembler.operateNumber("sub", r10, ASKED_BYTES);
      assembler.move(r12, r14);
      assembler.shift("left", r12, 2);
      assembler.operate("cmp", r10, r12);
      assembler.jumpIf("aboveOrEqual", next);
      assembler.operate("add", r10, rsi);
      assembler.operateNumber("add", r10, height * aRowBytes);
      stepsAsking(ASKED_BYTES, aRowBytes);
    }
    assembler.align(32);
    assembler.bind(next);
    fourSteps();
    assembler.jump(next);
    assembler.bind(rest);
    assembler.operateNumber("add", r8, 4);
    assembler.jumpIf("equal", store);
    assembler.bind(nextRest);
    this.#step(height, vectors, 0, 0);
    advance(1);
    assembler.operateNumber("sub", r8, 1);
    assembler.jumpIf("notEqual", nextRest);
    assembler.bind(store);
    this.#storeTile(height, vectors, last);
  }

  /** One term of each of the tile's sums. @param aOffset From rax. @param bOffset From rdx. */
  #step(height: number, vectors: number, aOffset: number, bOffset: number): void {
    const { assembler, set } = this;
    const sums = height * vectors;
    const rowStep = this.shape.layoutOfA === "across" ? PITCH : 4;
    for (let j = 0; j < vectors; j++) this.#lanes.load(sums + j, at(rdx, bOffset + j * set.lanes * 4));
    const free = set.vectors - sums - vectors;
    for (let i = 0; i < height; i++) {
      const factor = set.vector(sums + vectors + i % Math.min(free, 4));
      assembler.vector("vbroadcastss", [factor, at(rax, aOffset + i * rowStep)]);
      for (let j = 0; j < vectors; j++) {
        assembler.vector("vfmadd231ps", [set.vector(i * vectors + j), factor, set.vector(sums + j)]);
      }
    }
  }

  /**
   * Does something as often as there are rows, and asks for a row of memory each time, from r10 on: all at once, they would
   * keep what is needed sooner from the caches.
   */
  #whileAsking(rows: number, bytes: number, rowBytes: number, act: () => void): void {
    const { assembler } = this;
    const next = new Label();
    assembler.moveNumber(r12, BigInt(rows));
    assembler.align(32);
    assembler.bind(next);
    for (let line = 0; line < bytes; line += 64) assembler.prefetch(at(r10, line));
    assembler.operateNumber("add", r10, rowBytes);
    act();
    assembler.operateNumber("sub", r12, 1);
    assembler.jumpIf("notEqual", next);
  }

  #storeTile(height: number, vectors: number, last: number): void {
    const { assembler, set } = this;
    const mask = last < set.lanes ? MASK[set.name] : undefined;
    if (mask !== undefined) this.#lanes.setMask(mask, last, rax);
    const store = new Label();
    const each = (act: (sum: number, place: ReturnType<typeof at>, mask?: number) => void) => {
      for (let i = 0; i < height; i++) {
        for (let j = 0; j < vectors; j++) {
          const place = at(rcx, i * this.shape.cRowBytes + j * set.lanes * 4);
          act(i * vectors + j, place, j === vectors - 1 ? mask : undefined);
        }
      }
    };
    assembler.compareMemory(at(rdi, 8 + PRODUCT_PARAMETERS.accumulate * 4), 0);
    assembler.jumpIf("equal", store);
    each((sum, place, mask) => this.#lanes.addFrom(sum, place, FREE, mask));
    assembler.bind(store);
    each((sum, place, mask) => this.#lanes.store(place, sum, mask));
  }
}
