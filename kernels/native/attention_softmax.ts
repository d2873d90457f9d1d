// Softmax of rows of scores, of which each query sees the first few, one more than the query before:
//   score[j] = 2^(power · score[j] − largest), 0 where the query does not see it; state = (largest, Σⱼ score[j]),
// where largest is the largest of power · score[j]. Powers of 2 take less work than powers of e: power contains 1 / ln 2.
import { Assembler } from "./assembler.ts";
import { type CallingConvention, enter, leave, loadAddress, loadParameter } from "./calling.ts";
import { enterRows, forEachRow, forEachVector, hide, seeOneMore } from "./causal_rows.ts";
import { Exponential } from "./exponential.ts";
import { type InstructionSet, Lanes } from "./instruction_set.ts";
import { at, type Memory, r13, rax, rbp, rbx, rdi, rsi, xmm } from "./operands.ts";
import { reduceLanes } from "./reduce.ts";

/** The parameters, in their order; `power` and `hidden`, which is −∞, are float32. */
export const SOFTMAX_PARAMETERS = {
  scores: 0,
  rows: 1,
  visible: 2,
  most: 3,
  columns: 4,
  states: 5,
  power: 6,
  hidden: 7,
} as const;

/** Bytes of a row's state. */
export const STATE_BYTES = 8;

/** What the code is made for. */
export interface ScoresShape {
  /** Bytes from one row of scores to the next. */
  readonly pitch: number;
}

/** The code. */
export function assembleAttentionSoftmax(
  set: InstructionSet,
  convention: CallingConvention,
  { pitch }: ScoresShape,
): Uint8Array<ArrayBuffer> {
  const assembler = new Assembler();
  const lanes = new Lanes(assembler, set);
  // Vectors 0 to 7; behind them the exponential's.
  const [power, below, sum, largest, value, free, other, hidden] = [0, 1, 2, 3, 4, 5, 6, 7];
  const exponential = new Exponential(assembler, set, 8);
  const { vector } = set;
  const parameter = (index: number): Memory => at(rdi, 8 + index * 4);
  const states = r13;
  const given = { exponential, power };
  const { row, rows, visible, most, columns, end, offset } = enterRows(
    assembler,
    convention,
    set,
    SOFTMAX_PARAMETERS,
    given,
  );
  loadAddress(assembler, states, SOFTMAX_PARAMETERS.states);
  assembler.vector("vbroadcastss", [vector(hidden), parameter(SOFTMAX_PARAMETERS.hidden)]);
  const scores: Memory = { base: row, index: offset, scale: 1, displacement: 0 };
  forEachRow(assembler, rows, () => {
    // With AVX2, the mask is a vector.
    hide(assembler, set, lanes, row, visible, columns, { fill: hidden, free, mask: set.name === "avx512" ? 1 : other });
    lanes.load(largest, at(row));
    forEachVector(assembler, set, { offset, end }, () => {
      assembler.vector("vmaxps", [vector(largest), vector(largest), scores]);
    });
    reduceLanes(assembler, set, "vmaxps", largest, free);
    assembler.vector("vmulps", [vector(largest), vector(largest), vector(power)]);
    lanes.clear(sum);
    assembler.vector("vsubps", [vector(below), vector(sum), vector(largest)]);
    forEachVector(assembler, set, { offset, end }, () => {
      lanes.load(value, scores);
      assembler.vector("vfmadd213ps", [vector(value), vector(power), vector(below)]);
      exponential.power(value, [free, other]);
      lanes.store(scores, value);
      assembler.vector("vaddps", [vector(sum), vector(sum), vector(value)]);
    });
    reduceLanes(assembler, set, "vaddps", sum, free);
    assembler.vector("vmovss_store", [at(states), xmm(largest)]);
    assembler.vector("vmovss_store", [at(states, 4), xmm(sum)]);
    assembler.operateNumber("add", states, STATE_BYTES);
    assembler.operateNumber("add", row, pitch);
    seeOneMore(assembler, visible, most);
  });
  leave(assembler, convention);
  exponential.finish();
  lanes.finish();
  return assembler.finish();
}

/** The parameters of `assembleDivideRows`, in their order; `one` is 1 as a float32. */
export const DIVIDE_PARAMETERS = { values: 0, rows: 1, states: 2, one: 3 } as const;

/** What the code that divides rows is made for. */
export interface HeadShape {
  /** Bytes from one row of a head to the next. */
  readonly rowBytes: number;
  readonly headDim: number;
}

/** Code that divides each row of a head by the sum in its state. */
export function assembleDivideRows(
  set: InstructionSet,
  convention: CallingConvention,
  { rowBytes, headDim }: HeadShape,
): Uint8Array<ArrayBuffer> {
  const assembler = new Assembler();
  const lanes = new Lanes(assembler, set);
  const [one, factor, value, mask] = [0, 1, 2, set.name === "avx512" ? 1 : 3];
  const { vector } = set;
  const rest = headDim % set.lanes;
  enter(assembler, convention);
  loadAddress(assembler, rsi, DIVIDE_PARAMETERS.values);
  loadAddress(assembler, rbx, DIVIDE_PARAMETERS.states);
  loadParameter(assembler, rbp, DIVIDE_PARAMETERS.rows);
  assembler.vector("vbroadcastss", [vector(one), at(rdi, 8 + DIVIDE_PARAMETERS.one * 4)]);
  if (rest > 0) lanes.setMask(mask, rest, rax);
  forEachRow(assembler, rbp, () => {
    assembler.vector("vbroadcastss", [vector(factor), at(rbx, 4)]);
    assembler.vector("vdivps", [vector(factor), vector(one), vector(factor)]);
    for (let first = 0; first < headDim; first += set.lanes) {
      const masked = first + set.lanes > headDim ? mask : undefined;
      lanes.load(value, at(rsi, first * 4), masked);
      assembler.vector("vmulps", [vector(value), vector(value), vector(factor)]);
      lanes.store(at(rsi, first * 4), value, masked);
    }
    assembler.operateNumber("add", rsi, rowBytes);
    assembler.operateNumber("add", rbx, STATE_BYTES);
  });
  leave(assembler, convention);
  lanes.finish();
  return assembler.finish();
}
