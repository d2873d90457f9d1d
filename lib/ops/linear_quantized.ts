// The kernels of linear for a weight in bf16 or int8.
import { defineKernel, matmulFlops, otherFlops } from "../graph/kernel.ts";
import { BITS_OF, type QuantizedDType, quantizeRows, wordsPerRow } from "./quantize.ts";

/** Elements of each array of a weight (O, I). */
export function weightSizes({ I, O, bits }: { readonly I: number; readonly O: number; readonly bits: number }) {
  return { weight: O * wordsPerRow(I, bits), scales: O };
}

/** A weight to try a kernel with: numbers between −1 and 1 that repeat late, in rows of different sizes. */
export function weightToTry(O: number, I: number, dtype: QuantizedDType) {
  const values = Float32Array.from({ length: O * I }, (_, i) => (i * 37 % 101 / 50 - 1) / (1 + Math.floor(i / I) % 5));
  const { words, scales } = quantizeRows("a weight", values, I, dtype);
  return { weight: [...words], scales: [...scales] };
}

/** Sizes to try a kernel with, in both formats. */
function triesOf<Sizes extends { readonly I: number; readonly O: number }>(...sizes: readonly Sizes[]) {
  return sizes.flatMap((size) =>
    (["bf16", "int8"] as const).map((dtype) => ({
      constants: { ...size, bits: BITS_OF[dtype] },
      inputs: weightToTry(size.O, size.I, dtype),
    }))
  );
}

/**
 * y = x Wᵀ. x: (rows, I), weight: (O, words of a row), each row of bf16 (`bits` 16) or int8 (8) times its scale; scales: (O),
 * y: (rows, O). It is made for few rows.
 */
export const linearQuantizedForward = defineKernel({
  name: "linear_quantized_forward",
  inputs: ["x", "weight", "scales"],
  outputs: ["y"],
  integers: ["weight"],
  constants: { rows: "u32", I: "u32", O: "u32", bits: "u32" },
  sizes: ({ rows, I, O, bits }) => ({ x: rows * I, ...weightSizes({ I, O, bits }), y: rows * O }),
  below: () => ({ weight: 2 ** 32 }),
  flops: ({ rows, I, O }) => matmulFlops(2 * rows * I * O, rows * O),
  tries: triesOf(
    { rows: 1, I: 260, O: 83 },
    { rows: 2, I: 61, O: 37 },
    { rows: 5, I: 7, O: 6 },
    { rows: 12, I: 129, O: 21 },
    { rows: 19, I: 32, O: 16 },
  ),
});

/** y = the numbers of a weight, as above. y: (O, I). */
export const dequantizeWeight = defineKernel({
  name: "dequantize_weight",
  inputs: ["weight", "scales"],
  outputs: ["y"],
  integers: ["weight"],
  constants: { I: "u32", O: "u32", bits: "u32" },
  sizes: ({ I, O, bits }) => ({ ...weightSizes({ I, O, bits }), y: O * I }),
  below: () => ({ weight: 2 ** 32 }),
  flops: ({ I, O }) => otherFlops(I * O),
  tries: triesOf({ I: 60, O: 83 }, { I: 61, O: 83 }),
});
