// Between the products of attention's backward pass. Of each query's row, with lse the logarithm of its softmax's denominator:
//   p[j] = 2^(power · score[j] − lse / ln 2), 0 where the query does not see it; takes the place of the score
//   slope[j] = scale · p[j] (slope[j] − Σ y dY), the sum over the head's numbers
import { Assembler } from "./assembler.ts";
import type { HeadShape, ScoresShape } from "./attention_softmax.ts";
import { type CallingConvention, leave, loadAddress, loadParameter } from "./calling.ts";
import { enterRows, forEachRow, forEachVector, hide, seeOneMore } from "./causal_rows.ts";
import { Exponential } from "./exponential.ts";
import { type InstructionSet, Lanes } from "./instruction_set.ts";
import { at, type Memory, rax, rbx, rdi, rdx } from "./operands.ts";
import { reduceLanes } from "./reduce.ts";

/** The parameters, in their order; those from `power` on are float32; `lseFactor` is −1 / ln 2 and `hidden` −∞. */
export const SLOPES_PARAMETERS = {
  scores: 0,
  slopes: 1,
  rows: 2,
  visible: 3,
  most: 4,
  columns: 5,
  lse: 6,
  y: 7,
  dY: 8,
  power: 9,
  scale: 10,
  lseFactor: 11,
  hidden: 12,
} as const;

/** The code. */
export function assembleAttentionSlopes(
  set: InstructionSet,
  convention: CallingConvention,
  { pitch, rowBytes, headDim }: ScoresShape & HeadShape,
): Uint8Array<ArrayBuffer> {
  const assembler = new Assembler();
  const lanes = new Lanes(assembler, set);
  const [power, below, delta, value, slope, free, other, fill] = [0, 1, 2, 3, 4, 5, 6, 7];
  const exponential = new Exponential(assembler, set, 8);
  const mask = set.name === "avx512" ? 1 : other;
  const { vector } = set;
  const parameter = (index: number): Memory => at(rdi, 8 + index * 4);
  const slopes = rbx;
  const given = { exponential, power };
  const { row, rows, visible, most, columns, end, offset } = enterRows(
    assembler,
    convention,
    set,
    SLOPES_PARAMETERS,
    given,
  );
  loadAddress(assembler, slopes, SLOPES_PARAMETERS.slopes);
  forEachRow(assembler, rows, () => {
    assembler.vector("vbroadcastss", [vector(fill), parameter(SLOPES_PARAMETERS.hidden)]);
    hide(assembler, set, lanes, row, visible, columns, { fill, free, mask });
    lanes.clear(fill);
    hide(assembler, set, lanes, slopes, visible, columns, { fill, free, mask });
    lanes.clear(delta);
    loadAddress(assembler, rax, SLOPES_PARAMETERS.y);
    loadAddress(assembler, rdx, SLOPES_PARAMETERS.dY);
    if (headDim % set.lanes > 0) lanes.setMask(mask, headDim % set.lanes, offset);
    for (let first = 0; first < headDim; first += set.lanes) {
      const masked = first + set.lanes > headDim ? mask : undefined;
      lanes.load(value, at(rax, first * 4), masked);
      lanes.load(free, at(rdx, first * 4), masked);
      assembler.vector("vfmadd231ps", [vector(delta), vector(value), vector(free)]);
    }
    reduceLanes(assembler, set, "vaddps", delta, free);
    loadAddress(assembler, rax, SLOPES_PARAMETERS.lse);
    assembler.vector("vbroadcastss", [vector(below), at(rax)]);
    assembler.vector("vbroadcastss", [vector(value), parameter(SLOPES_PARAMETERS.lseFactor)]);
    assembler.vector("vmulps", [vector(below), vector(below), vector(value)]);
    assembler.vector("vbroadcastss", [vector(fill), parameter(SLOPES_PARAMETERS.scale)]);
    const [scoreAt, slopeAt]: Memory[] = [row, slopes].map((base) => (
      { base, index: offset, scale: 1, displacement: 0 }
    ));
    forEachVector(assembler, set, { offset, end }, () => {
      lanes.load(value, scoreAt);
      assembler.vector("vfmadd213ps", [vector(value), vector(power), vector(below)]);
      exponential.power(value, [free, other]);
      lanes.store(scoreAt, value);
      lanes.load(slope, slopeAt);
      assembler.vector("vsubps", [vector(slope), vector(slope), vector(delta)]);
      assembler.vector("vmulps", [vector(value), vector(value), vector(fill)]);
      assembler.vector("vmulps", [vector(slope), vector(slope), vector(value)]);
      lanes.store(slopeAt, slope);
    });
    assembler.operateNumber("add", row, pitch);
    assembler.operateNumber("add", slopes, pitch);
    for (const [index, bytes] of [[SLOPES_PARAMETERS.y, rowBytes], [SLOPES_PARAMETERS.dY, rowBytes]]) {
      advance(assembler, index, bytes);
    }
    advance(assembler, SLOPES_PARAMETERS.lse, 4);
    seeOneMore(assembler, visible, most);
  });
  leave(assembler, convention);
  exponential.finish();
  lanes.finish();
  return assembler.finish();
}

/** Moves an address among the parameters on. Uses rax. */
function advance(assembler: Assembler, index: number, bytes: number): void {
  loadParameter(assembler, rax, index);
  assembler.operateNumber("add", rax, bytes);
  assembler.store(at(rdi, 8 + index * 4), rax);
}
