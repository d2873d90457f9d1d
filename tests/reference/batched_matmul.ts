import type { Named, Numbers } from "./kernel.ts";

/** c[l] = A B of each product l, where A is a[l] or its transpose, and B likewise. c: (batch, M, N). */
export function batchedMatmul(
  { a, b }: Named<Numbers>,
  { batch, M, N, K, transposeA, transposeB }: Named<number>,
) {
  const c = new Float64Array(batch * M * N);
  for (let l = 0; l < batch; l++) {
    for (let m = 0; m < M; m++) {
      for (let n = 0; n < N; n++) {
        let sum = 0;
        for (let k = 0; k < K; k++) {
          const left = a[l * M * K + (transposeA ? k * M + m : m * K + k)];
          const right = b[l * K * N + (transposeB ? n * K + k : k * N + n)];
          sum += left * right;
        }
        c[(l * M + m) * N + n] = sum;
      }
    }
  }
  return { c };
}
