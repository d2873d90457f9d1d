import { assemblePeak, PEAK_PARAMETERS, peakFlops } from "../../../kernels/native/peak.ts";
import type { NativeKernel } from "./kernel.ts";

/** Floating-point operations of an iteration, as kernels/simd/peak.ts has it. */
const FLOPS_PER_ITERATION = 96;

/** What the processor can do at most: for each worker, as many operations as the constant says, by the widest vectors. */
export const peakKernel: NativeKernel = {
  encode({ constants, addresses }, code) {
    const rounds = Math.ceil(constants.iterations * FLOPS_PER_ITERATION / peakFlops(code.set));
    return [code.addressOf(assemblePeak, undefined), rounds, addresses[0]];
  },

  bind([address, rounds, result], counters, { workers, parameters: { words, pointer }, makeFunction, work }) {
    const compute = makeFunction(BigInt(address));
    return () => {
      work.divide(counters, workers, 1);
      while (work.claim()) {
        const end = work.endUnit();
        for (let unit = work.firstUnit(); unit < end; unit++) {
          words[PEAK_PARAMETERS.result] = result + unit * 4;
          words[PEAK_PARAMETERS.rounds] = rounds;
          compute(pointer);
        }
      }
    };
  },
};
