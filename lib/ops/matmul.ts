import type { Graph } from "../graph/graph.ts";
import { defineKernel, matmulFlops } from "../graph/kernel.ts";
import type { Tensor } from "../graph/tensor.ts";

/** One product and several, that divide evenly or not, in each layout; then large enough for a GPU's largest tiles. */
const TRIES = [
  { batch: 1, M: 5, N: 7, K: 6, transposeA: 0, transposeB: 0 },
  { batch: 3, M: 67, N: 45, K: 83, transposeA: 0, transposeB: 0 },
  { batch: 5, M: 32, N: 64, K: 20, transposeA: 0, transposeB: 1 },
  { batch: 2, M: 33, N: 31, K: 17, transposeA: 1, transposeB: 0 },
  { batch: 2, M: 20, N: 36, K: 24, transposeA: 1, transposeB: 1 },
];
const LARGE_TRY = { batch: 8, M: 512, N: 512, K: 64, transposeA: 0, transposeB: 1 };

/**
 * c (+)= A B of each product of a batch. a: (batch, M, K), or (batch, K, M) where `transposeA` is 1; b: (batch, K, N), or
 * (batch, N, K) where `transposeB` is 1; c: (batch, M, N).
 */
export const batchedMatmulKernel = defineKernel({
  name: "batched_matmul",
  inputs: ["a", "b"],
  outputs: ["c"],
  constants: { batch: "u32", M: "u32", N: "u32", K: "u32", transposeA: "u32", transposeB: "u32", accumulate: "u32" },
  writes: { c: { addedIf: "accumulate" } },
  halves: ["a", "b", "c"],
  sizes: ({ batch, M, N, K }) => ({ a: batch * M * K, b: batch * K * N, c: batch * M * N }),
  flops: ({ batch, M, N, K, accumulate }) => matmulFlops(2 * batch * M * N * K, batch * M * N * accumulate),
  tries: [
    ...TRIES.map((sizes) => ({ constants: { ...sizes, accumulate: 0 } })),
    { constants: { ...LARGE_TRY, accumulate: 0 }, large: true },
  ],
});

/** Options for `matmul`; each is false by default. */
export interface MatmulOptions {
  /** Take a's last two dimensions the other way round: (…, K, M). */
  readonly transposeA?: boolean;
  /** Take b's last two dimensions the other way round: (…, N, K). */
  readonly transposeB?: boolean;
}

/** The sizes of a batch of products, and which operands lie transposed. */
interface Products {
  readonly batch: number;
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/**
 * The product of two matrices, or of each two of a batch. Where `b` is one matrix, each of `a` is multiplied by it.
 *
 * @param a (…, M, K)
 * @param b (…, K, N) with the same leading dimensions, or (K, N)
 * @returns (…, M, N)
 * @throws {RangeError} If the shapes do not fit, or a batch of transposed `a` is to share one `b`.
 * @throws {TypeError} If `a` or `b` is of type u32.
 */
export function matmul(graph: Graph, a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const { shape, products } = productsOf(a, b, options);
  const { batch, M, N, K, transposeA, transposeB } = products;
  const c = graph.activation(`matmul(${a.name}, ${b.name})`, shape);
  const [left, right] = [graph.operand(a), graph.operand(b)];
  multiply(graph, left, right, c, products);
  return graph.record({
    op: "matmul",
    inputs: [a, b],
    output: c,
    // dA = dC Bᵀ and dB = Aᵀ dC. An operand that lies transposed has a gradient that does: dAᵀ = B dCᵀ, dBᵀ = dCᵀ A.
    backward: (dC, gradients) => {
      const add = (x: Tensor, first: Tensor, second: Tensor, sizes: Products) => {
        const { target, accumulate } = gradients.into(x);
        multiply(graph, first, second, target, sizes, accumulate);
      };
      if (gradients.wants(b)) {
        if (transposeB) add(b, dC, left, { batch, M: N, N: K, K: M, transposeA: true, transposeB: transposeA });
        else add(b, left, dC, { batch, M: K, N, K: M, transposeA: !transposeA, transposeB: false });
      }
      if (gradients.wants(a)) {
        if (transposeA) add(a, right, dC, { batch, M: K, N: M, K: N, transposeA: transposeB, transposeB: true });
        else add(a, dC, right, { batch, M, N: K, K: N, transposeA: false, transposeB: !transposeB });
      }
    },
  });
}

function multiply(graph: Graph, a: Tensor, b: Tensor, c: Tensor, products: Products, accumulate: 0 | 1 = 0): void {
  const { batch, M, N, K, transposeA, transposeB } = products;
  graph.call(batchedMatmulKernel, {
    inputs: { a, b },
    outputs: { c },
    constants: { batch, M, N, K, transposeA: Number(transposeA), transposeB: Number(transposeB), accumulate },
  });
}

/** What is multiplied, and the result's shape. Matrices of `a` that share one `b` lie below each other: they are one. */
function productsOf(
  a: Tensor,
  b: Tensor,
  { transposeA = false, transposeB = false }: MatmulOptions,
): { readonly shape: readonly number[]; readonly products: Products } {
  const got = `got ${a}${transposeA ? " transposed" : ""} and ${b}${transposeB ? " transposed" : ""}`;
  const [leading, matrixA] = [a.shape.slice(0, -2), a.shape.slice(-2)];
  const [M, K] = transposeA ? matrixA.toReversed() : matrixA;
  const matrixB = b.shape.slice(-2);
  const [depth, N] = transposeB ? matrixB.toReversed() : matrixB;
  const isShared = b.shape.length === 2 && leading.length > 0;
  const fits = a.shape.length >= 2 && depth === K && (isShared || b.shape.slice(0, -2).join() === leading.join());
  if (!fits || b.shape.length < 2) {
    throw new RangeError(`Cannot apply matmul: ${got}, must be (…, M, K) and (…, K, N) or (K, N)`);
  }
  if (isShared && transposeA) {
    throw new RangeError(
      `Cannot apply matmul: ${got}, must have as many matrices in both where the first are transposed`,
    );
  }
  const batch = leading.reduce((product, size) => product * size, 1);
  const sizes = isShared ? { batch: 1, M: batch * M } : { batch, M };
  return { shape: [...leading, M, N], products: { ...sizes, N, K, transposeA, transposeB } };
}
