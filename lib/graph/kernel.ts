/** The contract between ops and backends: what a kernel is called, reads, writes, and is told. */

/** How a constant is encoded for a kernel. */
export type ConstantType = "u32" | "f32";

/**
 * A kernel's signature. Both backends implement each kernel under this name, taking the inputs, then the outputs, then
 * the constants, each in the order given here.
 */
export interface Kernel<
  Input extends string = string,
  Output extends string = string,
  Constant extends string = string,
> {
  /** The stem of `kernels/wgsl/NAME.wgsl` and the name of the function that `kernels/simd` exports. */
  readonly name: string;
  /** Arrays only read. */
  readonly inputs: readonly Input[];
  /** Arrays written; also read where a constant `accumulate…` is 1, or where the kernel's header says so. */
  readonly outputs: readonly Output[];
  /** Those of its arrays that hold u32; all others hold floating-point numbers. */
  readonly integers?: readonly (Input | Output)[];
  /** Sizes and other fixed numbers. */
  readonly constants: Readonly<Record<Constant, ConstantType>>;
}

/** Declares a kernel, keeping the names of its arguments as types so that calls are checked by the compiler. */
export function defineKernel<const I extends string, const O extends string, const C extends string>(
  kernel: Kernel<I, O, C>,
): Kernel<I, O, C> {
  return Object.freeze(kernel);
}
