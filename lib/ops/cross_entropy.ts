import { option, OptionError, say } from "../errors.ts";
import type { Graph } from "../graph/graph.ts";
import { defineKernel, otherFlops } from "../graph/kernel.ts";
import { Tensor } from "../graph/tensor.ts";
import { scaleRowsKernel } from "./scale_rows.ts";
import { requireBelow, requireShape } from "./shapes.ts";

/**
 * losses[r] = lse[r] − logits[r, targets[r]], lse[r] = log Σᵥ exp(logits[r,v]), the maximum subtracted first.
 * logits: (rows, V); targets: (rows) u32; losses, lse: (rows).
 */
export const crossEntropyForward = defineKernel({
  name: "cross_entropy_forward",
  inputs: ["logits", "targets"],
  outputs: ["losses", "lse"],
  integers: ["targets"],
  constants: { rows: "u32", V: "u32" },
  halves: ["logits"],
  sizes: ({ rows, V }) => ({ logits: rows * V, targets: rows, losses: rows, lse: rows }),
  below: ({ V }) => ({ targets: V }),
  flops: ({ rows, V }) => otherFlops(rows * (4 * V + 3)),
  tries: [301, 300].map((V) => ({ constants: { rows: 21, V } })),
});

/** Sizes to try the gradient's kernels with, without a z-loss and with one. */
const TRIES = [{ rows: 21, V: 301, z: 0 }, { rows: 21, V: 300, z: 0 }, { rows: 21, V: 301, z: 0.05 }];

/**
 * dLogits[r,v] (+)= dLoss[0] / rows · (exp(logits[r,v] − lse[r]) · (1 + 2 z lse[r]) − [v = targets[r]]): the derivative of
 * losses[r] + z lse[r]². dLoss: (1).
 */
export const crossEntropyBackward = defineKernel({
  name: "cross_entropy_backward",
  inputs: ["logits", "targets", "lse", "dLoss"],
  outputs: ["dLogits"],
  integers: ["targets"],
  constants: { rows: "u32", V: "u32", accumulate: "u32", z: "f32" },
  writes: { dLogits: { addedIf: "accumulate" } },
  halves: ["logits", "dLogits"],
  sizes: ({ rows, V }) => ({ logits: rows * V, targets: rows, lse: rows, dLoss: 1, dLogits: rows * V }),
  below: ({ V }) => ({ targets: V }),
  flops: ({ rows, V, accumulate, z }) => gradientFlops({ rows, V, z }, 3 + accumulate),
  tries: TRIES.map((sizes) => ({ constants: { ...sizes, accumulate: 1 } })),
});

/** The same gradient in the place of the logits: logits is read, then overwritten. */
export const crossEntropyBackwardInPlace = defineKernel({
  name: "cross_entropy_backward_in_place",
  inputs: ["targets", "lse", "dLoss"],
  outputs: ["logits"],
  integers: ["targets"],
  constants: { rows: "u32", V: "u32", z: "f32" },
  writes: { logits: "updated" },
  halves: ["logits"],
  sizes: ({ rows, V }) => ({ targets: rows, lse: rows, dLoss: 1, logits: rows * V }),
  below: ({ V }) => ({ targets: V }),
  flops: (constants) => gradientFlops(constants, 3),
  tries: TRIES.map((constants) => ({ constants })),
});

/** Without z, a row's scale is all rows'; with it, it takes a product for each logit, and three FLOPs for the row. */
function gradientFlops({ rows, V, z }: Record<"rows" | "V" | "z", number>, perLogit: number) {
  return otherFlops(rows * (perLogit * V + 1 + (z === 0 ? 0 : V + 3)));
}

/** Options for `crossEntropy`. */
export interface CrossEntropyOptions {
  /**
   * Let the backward pass write the gradient over the logits, which saves an array of their size. Nothing may read the
   * logits after that: no other op takes them, and the op that made them does not need its output again (`linear` does
   * not).
   */
  readonly overwriteLogits?: boolean;
  /**
   * z-loss: the gradient is that of loss + z · mean(log²Z), where Z = Σᵥ exp(logits[r,v]) of each row, which keeps log Z
   * near 0. The loss that is returned stays the cross-entropy alone. 0 or more; 0 by default, which changes nothing.
   *
   * Source: Chowdhery et al. 2022 (PaLM), arXiv:2204.02311, section 5, with z = 1e-4.
   */
  readonly zLoss?: number;
  /**
   * (…) of type f32, the targets' shape: what each row counts for. The loss is Σᵣ weights[r] · lossᵣ / rows, so a mean over
   * n of the rows has rows / n for these and 0 for the others, whose targets then do not matter. No gradient flows to
   * them. Without them, each row counts for 1.
   */
  readonly weights?: Tensor;
}

/** y[0] = Σ x / n, in an order that does not depend on the number of workers. x: (n), y: (1). */
export const meanForward = defineKernel({
  name: "mean_forward",
  inputs: ["x"],
  outputs: ["y"],
  constants: { n: "u32" },
  sizes: ({ n }) => ({ x: n, y: 1 }),
  flops: ({ n }) => otherFlops(n),
  tries: [6321, 6324].map((n) => ({ constants: { n } })),
});

/**
 * −log softmax(logits)[target] of each row, in nats. No gradient flows through it.
 *
 * @param logits (…, vocabSize)
 * @param targets (…) of type u32, each less than vocabSize
 * @returns (rows)
 * @throws {RangeError} If shapes disagree.
 * @throws {TypeError} If `targets` are not of type u32, or the logits are.
 */
export function tokenLosses(graph: Graph, logits: Tensor, targets: Tensor): Tensor {
  return forward(graph, logits, targets).losses;
}

function forward(graph: Graph, logits: Tensor, targets: Tensor): { readonly losses: Tensor; readonly lse: Tensor } {
  const { rows, lastDim: V } = logits;
  requireShape("crossEntropy", targets, logits.shape.slice(0, -1));
  requireBelow("crossEntropy", targets, V);
  const losses = new Tensor("losses", [rows]);
  const lse = new Tensor(`lse(${logits.name})`, [rows]);
  graph.call(crossEntropyForward, {
    inputs: { logits, targets },
    outputs: { losses, lse },
    constants: { rows, V },
  });
  return { losses, lse };
}

/**
 * The mean over all rows of −log softmax(logits)[target], in nats; with `weights`, the weighted one.
 *
 * @param logits (…, vocabSize)
 * @param targets (…) of type u32, each less than vocabSize
 * @returns (1)
 * @throws {RangeError} If shapes disagree.
 * @throws {TypeError} If `targets` are not of type u32, or the logits are.
 * @throws {OptionError} If `zLoss` is negative or not finite.
 * @throws {Error} From the backward rule, if the logits were to be overwritten and another op takes them too.
 */
export function crossEntropy(
  graph: Graph,
  logits: Tensor,
  targets: Tensor,
  { overwriteLogits = false, zLoss: z = 0, weights }: CrossEntropyOptions = {},
): Tensor {
  requireZLoss(z);
  const { rows, lastDim: V } = logits;
  if (weights) requireShape("crossEntropy", weights, logits.shape.slice(0, -1));
  const weigh = (y: Tensor, D: number) => {
    if (weights) {
      graph.call(scaleRowsKernel, { inputs: { factors: weights }, outputs: { y }, constants: { rows, D } });
    }
  };
  const { losses, lse } = forward(graph, logits, targets);
  weigh(losses, 1);
  const loss = new Tensor("loss", [1]);
  graph.call(meanForward, { inputs: { x: losses }, outputs: { y: loss }, constants: { n: rows } });
  return graph.record({
    op: "crossEntropy",
    inputs: [logits],
    output: loss,
    backward: (dLoss, gradients) => {
      if (overwriteLogits) {
        const isTaken = ({ base }: Tensor) => base === logits.base;
        const takers = graph.tape.filter(({ inputs }) => inputs.some(isTaken)).map(({ op }) => op);
        if (takers.length > 1) {
          throw new Error(`Cannot overwrite ${logits}: got ${takers.join(" and ")} that take it, must be one op`);
        }
        graph.call(crossEntropyBackwardInPlace, {
          inputs: { targets, lse, dLoss },
          outputs: { logits },
          constants: { rows, V, z },
        });
        weigh(logits, V);
        gradients.pass(logits, logits);
        return;
      }
      // Scaled in a place of its own, not where gradients are added up.
      const own = weights && new Tensor(`d_${logits.name}`, logits.shape, { dtype: logits.dtype });
      const { target: dLogits, accumulate } = own ? { target: own, accumulate: 0 } : gradients.into(logits);
      graph.call(crossEntropyBackward, {
        inputs: { logits, targets, lse, dLoss },
        outputs: { dLogits },
        constants: { rows, V, accumulate, z },
      });
      if (own) {
        weigh(own, V);
        gradients.pass(logits, own);
      }
    },
  });
}

/** @throws {OptionError} If it is no factor of a z-loss. */
export function requireZLoss(z: number): void {
  if (z >= 0 && z < Infinity) return;
  throw new OptionError(say`Cannot add a z-loss: got ${option("zLoss", String(z))}, must be 0 or more, and finite`);
}
