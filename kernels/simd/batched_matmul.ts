import { linear_backward_input, linear_backward_weight, linear_forward } from "./linear";
import { ACROSS, ALONG, matmulBatch } from "./matmul";

// batched_matmul: c (+)= A B of each product of a batch, A being a, or its transpose where transposeA is 1, B likewise.
// A: (M, K); B: (K, N); c: (batch, M, N). A worker takes blocks of rows of c.
// One product alone is divided as a linear map's, which it is in three of the four layouts.

export function batched_matmul(
  a: usize,
  b: usize,
  c: usize,
  batch: u32,
  M: u32,
  N: u32,
  K: u32,
  transposeA: u32,
  transposeB: u32,
  accumulate: u32,
  work: usize,
): void {
  if (batch === 1) {
    if (!transposeA && !transposeB) {
      linear_backward_input(a, b, c, M, N, K, accumulate, work);
      return;
    }
    if (!transposeA && !accumulate) {
      linear_forward(a, b, c, M, K, N, work);
      return;
    }
    if (transposeA && !transposeB) {
      linear_backward_weight(a, b, c, K, N, M, accumulate, work);
      return;
    }
  }
  const layoutOfA = transposeA ? ALONG : ACROSS;
  const layoutOfB = transposeB ? ACROSS : ALONG;
  matmulBatch(batch, M, N, K, a, layoutOfA, b, layoutOfB, c, accumulate !== 0, work);
}
