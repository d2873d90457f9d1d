// x: (rows, I); weight: (O, words of a row) of u32, scales: (O); ids: (N). A row of weights begins at a word; bf16 are the
// upper halves of float32, int8 are two's complement, the first in the lowest bits of a word.
import type { Named, Numbers } from "./kernel.ts";

/** The number at a place of a weight. */
function numberAt({ weight, scales }: Named<Numbers>, row: number, column: number, width: number, bits: number) {
  const perWord = 32 / bits;
  const rowWords = Math.ceil(width / perWord);
  const word = weight[row * rowWords + Math.floor(column / perWord)];
  const field = Math.floor(word / 2 ** (column % perWord * bits)) % 2 ** bits;
  if (bits === 8) return (field < 128 ? field : field - 256) * scales[row];
  const sign = field >= 2 ** 15 ? -1 : 1;
  const exponent = Math.floor(field / 2 ** 7) % 2 ** 8;
  const fraction = field % 2 ** 7 / 2 ** 7;
  const size = exponent === 0 ? fraction * 2 ** -126 : (1 + fraction) * 2 ** (exponent - 127);
  return sign * size * scales[row];
}

/** y[r, o] = Σ over i of x[r, i] W[o, i]. */
export function linearQuantizedForward(inputs: Named<Numbers>, { rows, I, O, bits }: Named<number>) {
  const y = new Float64Array(rows * O);
  for (let o = 0; o < O; o++) {
    for (let i = 0; i < I; i++) {
      const weight = numberAt(inputs, o, i, I, bits);
      for (let r = 0; r < rows; r++) y[r * O + o] += inputs.x[r * I + i] * weight;
    }
  }
  return { y };
}

/** y = W. */
export function dequantizeWeight(inputs: Named<Numbers>, { I, O, bits }: Named<number>) {
  return { y: Float64Array.from({ length: O * I }, (_, at) => numberAt(inputs, Math.floor(at / I), at % I, I, bits)) };
}

/** y[n] = W[ids[n]]. */
export function embeddingQuantizedForward(inputs: Named<Numbers>, { N, D, bits }: Named<number>) {
  const y = new Float64Array(N * D);
  for (let n = 0; n < N; n++) {
    for (let d = 0; d < D; d++) y[n * D + d] = numberAt(inputs, inputs.ids[n], d, D, bits);
  }
  return { y };
}
