import { copy } from "./copy.ts";
import type { Graph } from "./graph.ts";
import { Tensor } from "./tensor.ts";

/** Where a backward kernel writes an input's gradient, and whether it must add to what is there. */
export interface GradientTarget {
  /** The tensor to write, of the input's shape. */
  readonly target: Tensor;
  /** 1: add to `target`; 0: overwrite it. A number, because it becomes a kernel's constant. */
  readonly accumulate: 0 | 1;
}

/** Options for `backward`. */
export interface BackwardOptions {
  /**
   * Where the gradients of leaves go: one tensor for each leaf whose gradient has a fixed place, as a `TensorOptimizer`
   * of `./train` has for each of its tensors. The gradient of any other leaf is an intermediate: list it in
   * `PlanOptions.keep` to read it.
   */
  readonly gradientOf?: ReadonlyMap<Tensor, Tensor>;
  /** Adds to the gradients of the leaves in `gradientOf` instead of overwriting them: gradient accumulation. */
  readonly accumulate?: boolean;
}

/**
 * The gradients found so far. Each tensor has at most one gradient tensor; a second contribution is added in place by
 * the kernel that computes it.
 *
 * A gradient can be shared: the two inputs of `add` have the same gradient as its output, and so has, in another shape,
 * the input of `reshape`. Adding in place would then change the other's gradient too. So each array knows its owners, the
 * tensors whose backward rules have not read it yet, and it is copied before a change if another owner remains.
 */
export class Gradients {
  readonly #graph: Graph;
  readonly #gradients = new Map<Tensor, Tensor>();
  /** By the gradient's base: shapes of one array are shared as it is. */
  readonly #owners = new Map<Tensor, Set<Tensor>>();
  readonly #options: BackwardOptions;

  /** Made by {@linkcode backward}, for a graph whose ops are recorded. */
  constructor(graph: Graph, options: BackwardOptions) {
    this.#graph = graph;
    this.#options = options;
  }

  /** The gradient of `x`, if any op contributed one. */
  of(x: Tensor): Tensor | undefined {
    return this.#gradients.get(x);
  }

  /** Whether an op should compute the gradient of `x` at all. */
  wants(x: Tensor): boolean {
    return x.requiresGrad;
  }

  /**
   * Where a kernel must write (or add) its contribution to the gradient of `x`. For an `x` that wants none, it is an
   * array that nothing reads: a kernel that writes several gradients needs a place for each.
   */
  into(x: Tensor): GradientTarget {
    if (!this.wants(x)) return { target: new Tensor(`unused d_${x.name}`, x.shape, { dtype: x.dtype }), accumulate: 0 };
    const existing = this.#gradients.get(x);
    if (existing === undefined) {
      const fixed = this.#options.gradientOf?.get(x);
      const target = fixed ?? new Tensor(`d_${x.name}`, x.shape, { dtype: x.dtype });
      this.#own(x, target);
      return { target, accumulate: fixed !== undefined && this.#options.accumulate ? 1 : 0 };
    }
    if (this.#owners.get(existing.base)!.size > 1) {
      const target = new Tensor(`d_${x.name}`, x.shape, { dtype: x.dtype });
      copy(this.#graph, existing, target, false);
      this.release(x);
      this.#own(x, target);
      return { target, accumulate: 1 };
    }
    return { target: existing, accumulate: 1 };
  }

  /** Uses `dX` itself as a contribution to the gradient of `x`. No kernel has to run, unless the types differ. */
  pass(x: Tensor, dX: Tensor): void {
    if (!this.wants(x)) return;
    if (this.#gradients.has(x) || this.#options.gradientOf?.has(x) || dX.dtype !== x.dtype) {
      const { target, accumulate } = this.into(x);
      copy(this.#graph, dX, target, accumulate === 1);
    } else {
      this.#own(x, dX);
    }
  }

  /** Notes that nothing will read the gradient through `y` any more. */
  release(y: Tensor): void {
    const gradient = this.#gradients.get(y);
    if (gradient !== undefined) this.#owners.get(gradient.base)?.delete(y);
  }

  /** Starts from the output: `dY` belongs to the caller, who stays an owner, so it is never written. */
  seed(y: Tensor, dY: Tensor): void {
    this.#own(y, dY);
    this.#owners.get(dY.base)!.add(dY);
  }

  #own(x: Tensor, gradient: Tensor): void {
    this.#gradients.set(x, gradient);
    const owners = this.#owners.get(gradient.base) ?? new Set();
    this.#owners.set(gradient.base, owners.add(x));
  }
}

/**
 * Appends the backward pass of everything on the tape: reverse-mode differentiation, with each op's own rule.
 *
 * @param y The tensor to differentiate, usually the loss.
 * @param dY The gradient with respect to `y`, of the same shape: for a loss, 1 (or 1 / micro-batches, or a scale).
 * @returns The gradients, by tensor.
 * @throws {Error} If `y` does not depend on any tensor that requires a gradient.
 */
export function backward(graph: Graph, y: Tensor, dY: Tensor, options: BackwardOptions = {}): Gradients {
  if (!y.requiresGrad) {
    throw new Error(`Cannot differentiate ${y}: it depends on no tensor with requiresGrad; mark the leaves first`);
  }
  if (dY.shape.join() !== y.shape.join()) {
    throw new RangeError(`Cannot differentiate ${y}: got upstream gradient ${dY}, must have the same shape`);
  }
  const gradients = new Gradients(graph, options);
  gradients.seed(y, dY);
  for (const entry of graph.tape.toReversed()) {
    const upstream = gradients.of(entry.output);
    if (upstream === undefined) continue;
    entry.backward(upstream, gradients);
    gradients.release(entry.output);
  }
  return gradients;
}
