import type { Graph } from "../../graph/graph.ts";
import { type KernelFlops, otherFlops } from "../../graph/kernel.ts";
import { Tensor } from "../../graph/tensor.ts";
import { linearProducts } from "../../ops/linear.ts";
import { scaleKernel } from "../../ops/scale.ts";
import { clipGradNorm } from "./clip_grad_norm.ts";
import { axpbyKernel, divideByNormKernel } from "./muon_kernels.ts";

/** Of the polynomial a x + b x³ + c x⁵, which steepens at 0 and keeps singular values near 1. Source: Jordan 2024. */
const [A, B, C] = [3.4445, -4.775, 2.0315];

/** Steps: from singular values of 0.002 on, five bring them to between 0.7 and 1.2. Source: Jordan 2024. */
export const NEWTON_SCHULZ_STEPS = 5;

/** The least norm that is divided by, so that a matrix of zeros stays one. Source: torch.optim.Muon. */
const EPS = 1e-7;

/**
 * Appends what turns a matrix U S Vᵀ into about U Vᵀ: its singular values, whatever they were, come near 1. By products
 * alone: X = x / ‖x‖, then five times X ← a X + (b G + c G²) X with G = X Xᵀ, or from the other side where x has more
 * rows than columns, which is less work.
 *
 * In a graph of bf16, the products round what they read to bf16, as Jordan's do; the sums stay float32.
 *
 * Source: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon.
 *
 * @param x (rows, columns), of f32
 * @returns (rows, columns)
 * @throws {RangeError} If it is not a matrix.
 */
export function newtonSchulz(graph: Graph, x: Tensor): Tensor {
  if (x.shape.length !== 2) throw new RangeError(`Cannot orthogonalise ${x}: must be a matrix`);
  const norm = clipGradNorm(graph, x, Infinity);
  const normalized = new Tensor(`normalized ${x.name}`, x.shape);
  graph.call(divideByNormKernel, {
    inputs: { x, norm },
    outputs: { y: normalized },
    constants: { n: x.size, eps: EPS },
  });
  let current = normalized;
  for (let step = 0; step < NEWTON_SCHULZ_STEPS; step++) current = iterate(graph, current);
  return current;
}

/** FLOPs of `newtonSchulz`'s products for a matrix of that shape. */
export function newtonSchulzFlops(rows: number, columns: number): number {
  const [m, n] = [Math.min(rows, columns), Math.max(rows, columns)];
  return NEWTON_SCHULZ_STEPS * (2 * m * m * n + 2 * m ** 3 + 2 * m * m * n);
}

function iterate(graph: Graph, x: Tensor): Tensor {
  const { backwardInput, backwardWeight } = productsOf(graph);
  const [rows, columns] = x.shape;
  const side = Math.min(rows, columns);
  const isWide = rows <= columns;
  // (side, side): G = X Xᵀ, or Xᵀ X. It is symmetric, so G Gᵀ is its square.
  const gram = new Tensor("gram", [side, side]);
  if (isWide) multiply(graph, x, x, gram);
  else {
    graph.call(backwardWeight, {
      inputs: { dY: x, x },
      outputs: { dWeight: gram },
      constants: { rows, I: columns, O: columns, accumulate: 0 },
    });
  }
  const polynomial = new Tensor("gram²", [side, side]);
  multiply(graph, gram, gram, polynomial);
  graph.call(axpbyKernel, {
    inputs: { x: gram },
    outputs: { y: polynomial },
    constants: { n: side * side, alpha: B, beta: C },
  });
  const next = new Tensor("newton_schulz", x.shape);
  if (isWide) {
    graph.call(scaleKernel, {
      inputs: { x },
      outputs: { y: next },
      constants: { n: x.size, accumulate: 0, factor: A },
    });
    graph.call(backwardInput, {
      inputs: { dY: polynomial, weight: x },
      outputs: { dX: next },
      constants: { rows, I: columns, O: rows, accumulate: 1 },
    });
  } else {
    // The polynomial is symmetric, so X Pᵀ is X P.
    multiply(graph, x, polynomial, next);
    graph.call(scaleKernel, {
      inputs: { x },
      outputs: { y: next },
      constants: { n: x.size, accumulate: 1, factor: A },
    });
  }
  return next;
}

/** y = x wᵀ. x: (rows, I), w: (O, I), y: (rows, O). */
function multiply(graph: Graph, x: Tensor, w: Tensor, y: Tensor): void {
  const [rows, I] = x.shape;
  graph.call(productsOf(graph).forward, {
    inputs: { x, weight: w },
    outputs: { y },
    constants: { rows, I, O: w.shape[0] },
  });
}

/** The products of linear maps. Their FLOPs are the update's: those of a model's passes are counted apart. */
function productsOf(graph: Graph) {
  const { forward, backwardInput, backwardWeight } = linearProducts(graph);
  return {
    forward: { ...forward, flops: asOther(forward.flops!) },
    backwardInput: { ...backwardInput, flops: asOther(backwardInput.flops!) },
    backwardWeight: { ...backwardWeight, flops: asOther(backwardWeight.flops!) },
  };
}

function asOther<C>(flops: (constants: C) => KernelFlops): (constants: C) => KernelFlops {
  return (constants) => {
    const { matmul, other } = flops(constants);
    return otherFlops(matmul + other);
  };
}
