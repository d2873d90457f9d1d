// What rows of logits, (rows, V), are read for:
// forward: state[r] = (largest of the row, Σᵥ exp(logits[r,v] − largest))
// backward: dLogits[r,v] (+)= scale exp(logits[r,v] − lse[r]); each element is loaded before it is stored
import { Assembler } from "./assembler.ts";
import { type CallingConvention, enter, leave, loadAddress, loadParameter } from "./calling.ts";
import { forEachRow } from "./causal_rows.ts";
import { forEachElement } from "./elements.ts";
import { type InstructionSet, Lanes } from "./instruction_set.ts";
import { NaturalExponential } from "./natural_exponential.ts";
import { at, type Memory, r11, r12, r13, r14, r15, r8, rax, rbp, rbx, rcx, rdi, rsi, xmm } from "./operands.ts";
import { reduceLanes } from "./reduce.ts";

/** The forward pass's parameters; `spare` is memory of a vector. */
export const ROWS_PARAMETERS = { logits: 0, rows: 1, states: 2, spare: 3 } as const;

/** The backward pass's; `scale` is a float32. */
export const GRADIENT_PARAMETERS = { logits: 0, rows: 1, dLogits: 2, lse: 3, scale: 4 } as const;

/** What the code is made for. `V` is a vector's lanes at least. */
export interface LogitsShape {
  readonly V: number;
}

/** Bytes of a row's state. */
export const STATE_BYTES = 8;

const KEPT = [14, 15] as const;
const FREE = [3, 4, 5] as const;

/** The code of the forward pass. */
export function assembleCrossEntropyRows(
  set: InstructionSet,
  convention: CallingConvention,
  { V }: LogitsShape,
): Uint8Array<ArrayBuffer> {
  const assembler = new Assembler();
  const lanes = new Lanes(assembler, set);
  const exponential = new NaturalExponential(assembler, set, r11, KEPT);
  const { vector } = set;
  const [value, largest, sum] = [0, 1, 2];
  const [row, states, rows, spare] = [rsi, rbx, rbp, r12];
  enter(assembler, convention);
  exponential.prepare();
  loadAddress(assembler, row, ROWS_PARAMETERS.logits);
  loadAddress(assembler, states, ROWS_PARAMETERS.states);
  loadAddress(assembler, spare, ROWS_PARAMETERS.spare);
  loadParameter(assembler, rows, ROWS_PARAMETERS.rows);
  const element: Memory = { base: row, index: r15, scale: 1, displacement: 0 };
  const loop = { offset: r15, count: r8, free: rax, mask: set.name === "avx512" ? 1 : 11 };
  forEachRow(assembler, rows, () => {
    // The last vector of the row twice, in part, rather than with a mask.
    lanes.load(largest, at(row, (V - set.lanes) * 4));
    assembler.moveNumber(r8, BigInt(V - V % set.lanes));
    forEachElement(assembler, set, lanes, loop, () => {
      assembler.vector("vmaxps", [vector(largest), vector(largest), element]);
    });
    reduceLanes(assembler, set, "vmaxps", largest, value);
    lanes.clear(sum);
    assembler.moveNumber(r8, BigInt(V));
    forEachElement(assembler, set, lanes, loop, (mask) => {
      lanes.load(value, element, mask);
      assembler.vector("vsubps", [vector(value), vector(value), vector(largest)]);
      exponential.power(value, FREE);
      if (mask !== undefined) {
        // What is outside of the row becomes 0.
        lanes.store(at(spare), value, mask);
        lanes.load(value, at(spare), mask);
      }
      assembler.vector("vaddps", [vector(sum), vector(sum), vector(value)]);
    });
    reduceLanes(assembler, set, "vaddps", sum, value);
    assembler.vector("vmovss_store", [at(states), xmm(largest)]);
    assembler.vector("vmovss_store", [at(states, 4), xmm(sum)]);
    assembler.operateNumber("add", states, STATE_BYTES);
    assembler.operateNumber("add", row, V * 4);
  });
  leave(assembler, convention);
  exponential.finish();
  lanes.finish();
  return assembler.finish();
}

/** The code of the backward pass. */
export function assembleCrossEntropyGradient(
  set: InstructionSet,
  convention: CallingConvention,
  { V, accumulate }: LogitsShape & { readonly accumulate: boolean },
): Uint8Array<ArrayBuffer> {
  const assembler = new Assembler();
  const lanes = new Lanes(assembler, set);
  const exponential = new NaturalExponential(assembler, set, r11, KEPT);
  const { vector } = set;
  const [value, lse, scale, free] = [0, 1, 2, 6];
  const [row, target, rows, lseAt] = [rsi, r13, rbp, r14];
  enter(assembler, convention);
  exponential.prepare();
  loadAddress(assembler, row, GRADIENT_PARAMETERS.logits);
  loadAddress(assembler, target, GRADIENT_PARAMETERS.dLogits);
  loadAddress(assembler, lseAt, GRADIENT_PARAMETERS.lse);
  loadParameter(assembler, rows, GRADIENT_PARAMETERS.rows);
  assembler.vector("vbroadcastss", [vector(scale), at(rdi, 8 + GRADIENT_PARAMETERS.scale * 4)]);
  const [from, to]: Memory[] = [row, target].map((base) => ({ base, index: r15, scale: 1, displacement: 0 }));
  const loop = { offset: r15, count: r8, free: rcx, mask: set.name === "avx512" ? 1 : 11 };
  forEachRow(assembler, rows, () => {
    assembler.vector("vbroadcastss", [vector(lse), at(lseAt)]);
    assembler.moveNumber(r8, BigInt(V));
    forEachElement(assembler, set, lanes, loop, (mask) => {
      lanes.load(value, from, mask);
      assembler.vector("vsubps", [vector(value), vector(value), vector(lse)]);
      exponential.power(value, FREE);
      assembler.vector("vmulps", [vector(value), vector(value), vector(scale)]);
      if (accumulate) lanes.addFrom(value, to, free, mask);
      lanes.store(to, value, mask);
    });
    assembler.operateNumber("add", lseAt, 4);
    assembler.operateNumber("add", row, V * 4);
    assembler.operateNumber("add", target, V * 4);
  });
  leave(assembler, convention);
  exponential.finish();
  lanes.finish();
  return assembler.finish();
}
