import {
  assembleCrossEntropyGradient,
  assembleCrossEntropyRows,
  GRADIENT_PARAMETERS as GRADIENT,
  ROWS_PARAMETERS as ROWS,
  STATE_BYTES,
} from "../../../kernels/native/cross_entropy.ts";
import type { NativeKernel, WorkerTools } from "./kernel.ts";
import { leastRows } from "./lines.ts";
import { floatBits } from "./parameters.ts";

/** Rows of one call of machine code, at most: their states lie in scratch memory, behind a vector. */
const MAX_ROWS = 4096;
const VECTOR_BYTES = 64;

/** cross_entropy_forward: see kernels/simd/cross_entropy.ts. A unit is a row. */
export const crossEntropyForwardKernel: NativeKernel = {
  encode({ constants: { rows, V }, addresses }, code) {
    if (V < code.set.lanes) return undefined;
    return [code.addressOf(assembleCrossEntropyRows, { V }), rows, V, ...addresses];
  },

  bind([address, rows, V, logits, targets, losses, lse], counters, tools) {
    const { parameters: { words, pointer }, memory: { buffer }, work, scratch } = tools;
    const compute = tools.makeFunction(BigInt(address));
    const states = new Float32Array(buffer, scratch + VECTOR_BYTES, MAX_ROWS * STATE_BYTES / 4);
    const [lossOf, lseOf] = [new Float32Array(buffer, losses, rows), new Float32Array(buffer, lse, rows)];
    const [targetOf, logitOf] = [new Uint32Array(buffer, targets, rows), new Float32Array(buffer, logits, rows * V)];
    return () =>
      forEachPiece(work, counters, { rows, V }, (first, count) => {
        words[ROWS.logits] = logits + first * V * 4;
        words[ROWS.rows] = count;
        words[ROWS.states] = scratch + VECTOR_BYTES;
        words[ROWS.spare] = scratch;
        compute(pointer);
        for (let i = 0; i < count; i++) {
          const r = first + i;
          const logSum = states[2 * i] + Math.log(states[2 * i + 1]);
          lseOf[r] = logSum;
          lossOf[r] = logSum - logitOf[r * V + Math.min(targetOf[r], V - 1)];
        }
      });
  },
};

/** cross_entropy_backward, also in the place of the logits. */
export const crossEntropyBackwardKernel: NativeKernel = {
  encode({ name, constants: { rows, V, accumulate = 0, z }, addresses }, code) {
    const [logits, targets, lse, dLoss, dLogits] = name === "cross_entropy_backward_in_place"
      ? [addresses[3], ...addresses]
      : addresses;
    const address = code.addressOf(assembleCrossEntropyGradient, { V, accumulate: accumulate === 1 });
    return [address, rows, V, z, logits, targets, lse, dLoss, dLogits];
  },

  bind([address, rows, V, z, logits, targets, lse, dLoss, dLogits], counters, tools) {
    const { parameters: { words, pointer }, memory: { buffer }, work } = tools;
    const compute = tools.makeFunction(BigInt(address));
    const upstream = new Float32Array(buffer, dLoss, 1);
    const [targetOf, lseOf, gradientOf] = [
      new Uint32Array(buffer, targets, rows),
      new Float32Array(buffer, lse, rows),
      new Float32Array(buffer, dLogits, rows * V),
    ];
    return () => {
      const scale = Math.fround(upstream[0] / rows);
      forEachPiece(work, counters, { rows, V }, (first, count) => {
        // With a z-loss each row has a scale of its own.
        const together = z === 0 ? count : 1;
        words[GRADIENT.rows] = together;
        for (let r = first; r < first + count; r += together) {
          words[GRADIENT.logits] = logits + r * V * 4;
          words[GRADIENT.dLogits] = dLogits + r * V * 4;
          words[GRADIENT.lse] = lse + r * 4;
          words[GRADIENT.scale] = floatBits(z === 0 ? scale : scale * (1 + 2 * z * lseOf[r]));
          compute(pointer);
        }
        for (let r = first; r < first + count; r++) gradientOf[r * V + Math.min(targetOf[r], V - 1)] -= scale;
      });
    };
  },
};

/** Takes rows by the piece. */
function forEachPiece(
  work: WorkerTools["work"],
  counters: number,
  { rows, V }: { readonly rows: number; readonly V: number },
  compute: (first: number, count: number) => void,
): void {
  work.divide(counters, rows, leastRows(V));
  while (work.claim()) {
    const end = work.endUnit();
    for (let first = work.firstUnit(); first < end; first += MAX_ROWS) compute(first, Math.min(MAX_ROWS, end - first));
  }
}
