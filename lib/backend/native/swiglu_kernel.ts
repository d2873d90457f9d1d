import {
  assembleSwigluBackward,
  assembleSwigluForward,
  SWIGLU_PARAMETERS as WORD,
} from "../../../kernels/native/swiglu.ts";
import type { NativeKernel } from "./kernel.ts";
import { LEAST_LINES, LINE, linesOf } from "./lines.ts";

/** swiglu_forward: see kernels/simd/gated.ts. A unit is a cache line of elements. */
export const swigluForwardKernel: NativeKernel = {
  encode: (
    { constants: { n }, addresses },
    code,
  ) => [code.addressOf(assembleSwigluForward, undefined), n, ...addresses],

  bind([address, n, gate, up, y], counters, { parameters: { words, pointer }, makeFunction, work }) {
    const compute = makeFunction(BigInt(address));
    return () => {
      work.divide(counters, linesOf(n), LEAST_LINES);
      while (work.claim()) {
        const first = work.firstUnit() * LINE;
        words[WORD.gate] = gate + first * 4;
        words[WORD.up] = up + first * 4;
        words[WORD.y] = y + first * 4;
        words[WORD.count] = Math.min(work.endUnit() * LINE, n) - first;
        compute(pointer);
      }
    };
  },
};

/** swiglu_backward. */
export const swigluBackwardKernel: NativeKernel = {
  encode({ constants: { n, accumulateGate, accumulateUp }, addresses }, code) {
    const shape = { accumulateGate: accumulateGate === 1, accumulateUp: accumulateUp === 1 };
    return [code.addressOf(assembleSwigluBackward, shape), n, ...addresses];
  },

  bind([address, n, gate, up, dY, dGate, dUp], counters, { parameters: { words, pointer }, makeFunction, work }) {
    const compute = makeFunction(BigInt(address));
    return () => {
      work.divide(counters, linesOf(n), LEAST_LINES);
      while (work.claim()) {
        const first = work.firstUnit() * LINE;
        words[WORD.gate] = gate + first * 4;
        words[WORD.up] = up + first * 4;
        words[WORD.dY] = dY + first * 4;
        words[WORD.dGate] = dGate + first * 4;
        words[WORD.dUp] = dUp + first * 4;
        words[WORD.count] = Math.min(work.endUnit() * LINE, n) - first;
        compute(pointer);
      }
    };
  },
};
