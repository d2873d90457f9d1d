/** FLOPs of one kernel call. */
export interface KernelFlops {
  /** Multiplies and adds of matrix products: what the formulas of flops.ts count. */
  readonly matmul: number;
  /** All else: each add, subtract, multiply, divide, comparison, square root, exponential and logarithm is one. */
  readonly other: number;
}

/** A kernel's constants by name. */
type Constants = Readonly<Record<string, number>>;

const matmul = (flops: number, other = 0): KernelFlops => ({ matmul: flops, other });
const other = (flops: number): KernelFlops => ({ matmul: 0, other: flops });

/**
 * FLOPs that a softmax over scores costs for each pair of positions besides the products: forward scale, running
 * maximum, subtraction, exponential, running sum; backward scale, subtraction, exponential, and p·(dP − delta).
 */
const SOFTMAX_PER_PAIR = 5;

/**
 * FLOPs of each kernel as a function of its constants; the formulas are those in the kernels' declarations under
 * lib/ops and lib/train. Attention counts every pair of query and key, (T, S) of them, as its dense form would; a causal
 * kernel skips the masked half. On a GPU attention's backward pass computes the scores and dY·Vᵀ twice: they count once.
 */
export const KERNEL_FLOPS: Readonly<Record<string, (constants: Constants) => KernelFlops>> = {
  copy: ({ n, accumulate }) => other(n * accumulate),
  add_forward: ({ n }) => other(n),
  embedding_forward: () => other(0),
  embedding_backward: ({ N, D }) => other(N * D),
  write_rows: () => other(0),
  sum_partials: ({ P, D }) => other(P * D),

  linear_forward: ({ rows, I, O }) => matmul(2 * rows * I * O),
  linear_backward_input: ({ rows, I, O, accumulate }) => matmul(2 * rows * I * O, rows * I * accumulate),
  linear_backward_weight: ({ rows, I, O, accumulate }) => matmul(2 * rows * I * O, O * I * accumulate),

  // Scores and weighted values.
  attention_forward: ({ B, T, S, H, headDim }) =>
    matmul(2 * 2 * B * H * T * S * headDim, B * H * T * (SOFTMAX_PER_PAIR * S + headDim)),
  // Scores, dY·Vᵀ, dQ, dK and dV; dY·y, and the final scales of dQ and dK.
  attention_backward: ({ B, T, H, headDim }) =>
    matmul(5 * 2 * B * H * T * T * headDim, B * H * T * (SOFTMAX_PER_PAIR * T + 4 * headDim)),

  rmsnorm_forward: ({ rows, D }) => other(rows * (4 * D + 4)),
  rmsnorm_backward_input: ({ rows, D, accumulate }) => other(rows * ((6 + accumulate) * D + 4)),
  rmsnorm_backward_weight: ({ rows, D }) => other(3 * rows * D),

  rope_forward: ({ rows, D }) => other(3 * rows * D),
  rope_backward: ({ rows, D, accumulate }) => other((3 + accumulate) * rows * D),

  silu_forward: ({ n }) => other(4 * n),
  silu_backward: ({ n, accumulate }) => other((9 + accumulate) * n),
  swiglu_forward: ({ n }) => other(5 * n),
  swiglu_backward: ({ n, accumulateGate, accumulateUp }) => other((12 + accumulateGate + accumulateUp) * n),

  softmax_forward: ({ rows, D }) => other(5 * rows * D),
  softmax_backward: ({ rows, D, accumulate }) => other((4 + accumulate) * rows * D),
  // As with top-p alone: 16 passes, each with a weight, 16 comparisons and 16 sums for every token.
  sample_token: ({ B, V }) => other(16 * (4 + 2 * 16) * B * V),
  cross_entropy_forward: ({ rows, V }) => other(rows * (4 * V + 3)),
  cross_entropy_backward: ({ rows, V, accumulate }) => other(rows * ((3 + accumulate) * V + 1)),
  cross_entropy_backward_in_place: ({ rows, V }) => other(rows * (3 * V + 1)),
  mean_forward: ({ n }) => other(n),

  clip_grad_norm_partials: ({ n }) => other(2 * n),
  clip_grad_norm_factor: ({ P }) => other(P + 4),
  // The scaled gradient; and the norm, the factor, two corrections and the scale.
  loss_scale_apply: () => other(1),
  loss_scale_update: () => other(12),
  // 15 for AdamW, 1 to apply the clipping factor.
  adamw: ({ n }) => other(16 * n),
  // The clipping factor, lr, the decay and the difference.
  sgd: ({ n }) => other(4 * n),
};
