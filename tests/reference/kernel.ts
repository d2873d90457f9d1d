/**
 * What a reference kernel is: the kernel of the same name in plain float64 loops, written from the formula alone.
 * It returns its outputs; adding them to what is there (`accumulate`) is the business of backend.ts.
 */

/** An array in float64, or of token ids and positions. */
export type Numbers = Float64Array | Uint32Array;

/** Arrays or constants by the names that the kernel's signature gives them. */
export type Named<T> = Readonly<Record<string, T>>;

/** Computes the outputs from the inputs; `before` is what the outputs held, for kernels that read it. */
export type ReferenceKernel = (
  inputs: Named<Numbers>,
  constants: Named<number>,
  before: Named<Float64Array>,
) => Named<Float64Array>;
