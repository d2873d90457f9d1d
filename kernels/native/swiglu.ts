// swiglu_forward: y = silu(gate) up, silu(x) = x σ(x)
// swiglu_backward: dGate (+)= dY up silu′(gate); dUp (+)= dY silu(gate), silu′(x) = σ(x) (1 + x (1 − σ(x)))
// σ(x) by e = e^−|x|, which cannot overflow: 1 / (1 + e) where x ≥ 0, e / (1 + e) elsewhere.
// Source: Shazeer 2020, arXiv:2002.05202
import { Assembler } from "./assembler.ts";
import { type CallingConvention, enter, leave, loadAddress, loadParameter } from "./calling.ts";
import { forEachElement } from "./elements.ts";
import { type InstructionSet, Lanes, type Mask } from "./instruction_set.ts";
import { NaturalExponential } from "./natural_exponential.ts";
import { type Memory, r11, r12, r13, r14, r15, r8, rax, rbx, type Register, rsi } from "./operands.ts";

/** The parameters of both passes, in their order: of the first element of a piece. */
export const SWIGLU_PARAMETERS = { gate: 0, up: 1, count: 2, y: 3, dY: 3, dGate: 4, dUp: 5 } as const;

/** What the backward pass is made for: whether it adds to what is there. */
export interface SwigluShape {
  readonly accumulateGate: boolean;
  readonly accumulateUp: boolean;
}

/** Vector registers that both passes use alike. */
const [GATE, SIGMOID, UP, ONE, SIGN, MASK] = [0, 1, 2, 12, 13, 11];
const KEPT = [14, 15] as const;
const FREE = [3, 4, 5] as const;

class SwigluEmitter {
  readonly assembler = new Assembler();
  readonly lanes: Lanes;
  readonly #exponential: NaturalExponential;

  constructor(readonly set: InstructionSet, readonly convention: CallingConvention) {
    this.lanes = new Lanes(this.assembler, set);
    this.#exponential = new NaturalExponential(this.assembler, set, r11, KEPT);
    enter(this.assembler, convention);
    this.#exponential.prepare();
    this.#exponential.spreadOne(ONE);
    this.#exponential.spreadSign(SIGN);
  }

  /** The code of a pass over a piece. */
  finish(body: (mask?: Mask) => void): Uint8Array<ArrayBuffer> {
    const { assembler, set, lanes } = this;
    loadParameter(assembler, r8, SWIGLU_PARAMETERS.count);
    const mask = set.name === "avx512" ? 1 : MASK;
    forEachElement(assembler, set, lanes, { offset: r15, count: r8, free: rax, mask }, body);
    leave(assembler, this.convention);
    this.#exponential.finish();
    lanes.finish();
    return assembler.finish();
  }

  /** Loads a gate, and makes σ of it. */
  sigmoid(gate: Memory, mask?: Mask): void {
    const { assembler, set: { vector } } = this;
    const [one, sigmoid, signs, other] = [ONE, SIGMOID, FREE[0], FREE[1]].map(vector);
    this.lanes.load(GATE, gate, mask);
    assembler.vector("vorps", [sigmoid, vector(GATE), vector(SIGN)]);
    this.#exponential.power(SIGMOID, FREE);
    assembler.vector("vpsrad", [signs, vector(GATE)], { immediate: 31 });
    assembler.vector("vandnps", [other, signs, one]);
    assembler.vector("vandps", [signs, signs, sigmoid]);
    assembler.vector("vorps", [other, other, signs]);
    assembler.vector("vaddps", [sigmoid, sigmoid, one]);
    assembler.vector("vdivps", [sigmoid, other, sigmoid]);
  }
}

/** An element of a piece, in an array. */
function element(base: Register): Memory {
  return { base, index: r15, scale: 1, displacement: 0 };
}

/** The code of the forward pass. */
export function assembleSwigluForward(set: InstructionSet, convention: CallingConvention): Uint8Array<ArrayBuffer> {
  const emitter = new SwigluEmitter(set, convention);
  const { assembler, lanes } = emitter;
  const [gate, up, y] = [rsi, rbx, r12];
  loadAddress(assembler, gate, SWIGLU_PARAMETERS.gate);
  loadAddress(assembler, up, SWIGLU_PARAMETERS.up);
  loadAddress(assembler, y, SWIGLU_PARAMETERS.y);
  const [sigmoid, other] = [SIGMOID, UP].map(set.vector);
  return emitter.finish((mask) => {
    emitter.sigmoid(element(gate), mask);
    lanes.load(UP, element(up), mask);
    assembler.vector("vmulps", [sigmoid, sigmoid, set.vector(GATE)]);
    assembler.vector("vmulps", [sigmoid, sigmoid, other]);
    lanes.store(element(y), SIGMOID, mask);
  });
}

/** The code of the backward pass. */
export function assembleSwigluBackward(
  set: InstructionSet,
  convention: CallingConvention,
  { accumulateGate, accumulateUp }: SwigluShape,
): Uint8Array<ArrayBuffer> {
  const emitter = new SwigluEmitter(set, convention);
  const { assembler, lanes } = emitter;
  const { vector } = set;
  const [gate, up, dY, dGate, dUp] = [rsi, rbx, r12, r13, r14];
  loadAddress(assembler, gate, SWIGLU_PARAMETERS.gate);
  loadAddress(assembler, up, SWIGLU_PARAMETERS.up);
  loadAddress(assembler, dY, SWIGLU_PARAMETERS.dY);
  loadAddress(assembler, dGate, SWIGLU_PARAMETERS.dGate);
  loadAddress(assembler, dUp, SWIGLU_PARAMETERS.dUp);
  const [upstream, slope, free] = [6, 7, 8];
  return emitter.finish((mask) => {
    emitter.sigmoid(element(gate), mask);
    lanes.load(UP, element(up), mask);
    lanes.load(upstream, element(dY), mask);
    assembler.vector("vsubps", [vector(slope), vector(ONE), vector(SIGMOID)]);
    assembler.vector("vfmadd213ps", [vector(slope), vector(GATE), vector(ONE)]);
    assembler.vector("vmulps", [vector(slope), vector(slope), vector(SIGMOID)]);
    assembler.vector("vmulps", [vector(UP), vector(UP), vector(upstream)]);
    assembler.vector("vmulps", [vector(slope), vector(slope), vector(UP)]);
    assembler.vector("vmulps", [vector(SIGMOID), vector(SIGMOID), vector(GATE)]);
    assembler.vector("vmulps", [vector(SIGMOID), vector(SIGMOID), vector(upstream)]);
    if (accumulateGate) lanes.addFrom(slope, element(dGate), free, mask);
    lanes.store(element(dGate), slope, mask);
    if (accumulateUp) lanes.addFrom(SIGMOID, element(dUp), free, mask);
    lanes.store(element(dUp), SIGMOID, mask);
  });
}
