/** The contract between ops and backends: what a kernel is called, reads, writes, costs, and is told. */

import { requireConsistent } from "./kernel_checks.ts";

/** How a constant is encoded for a kernel. */
export type ConstantType = "u32" | "f32";

/**
 * How a kernel writes an output: `"overwritten"`, every element anew; `"updated"`, it reads what is there and changes it;
 * `"partly overwritten"`, some elements anew, and the others stay; `addedIf`, added to what is there if a constant is 1,
 * else overwritten.
 */
export type KernelWrite<Constant extends string = string> =
  | "overwritten"
  | "updated"
  | "partly overwritten"
  | { readonly addedIf: Constant };

/** FLOPs of one kernel call. */
export interface KernelFlops {
  /** Multiplies and adds of matrix products: what the formulas of lib/accounting/flops.ts count. */
  readonly matmul: number;
  /** All else: each add, subtract, multiply, divide, comparison, square root, exponential and logarithm is one. */
  readonly other: number;
  /** The share of them that the kernel really does, 1 by default: a causal one skips what the mask hides. */
  readonly done?: number;
}

/** A call to try a kernel with. */
export interface KernelTry<Input extends string = string, Constant extends string = string> {
  /** All of the kernel's constants. */
  readonly constants: Readonly<Record<Constant, number>>;
  /** What inputs hold; the others are drawn at random: floats in (−1, 1), integers below their bound. */
  readonly inputs?: Readonly<Partial<Record<Input, readonly number[]>>>;
  /** Too much for a processor that poses as a GPU. */
  readonly large?: boolean;
}

/**
 * A kernel's signature, and all that is known of it beside its code: accounting, the scheduler, the self-test and the
 * benches read it here. Both backends implement each kernel under this name, taking the inputs, then the outputs, then
 * the constants, each in the order given here.
 */
export interface Kernel<
  Input extends string = string,
  Output extends string = string,
  Constant extends string = string,
> {
  /** The name under which `kernels/wgsl` and `kernels/simd` have it. */
  readonly name: string;
  /** Arrays only read. */
  readonly inputs: readonly Input[];
  /** Arrays written. */
  readonly outputs: readonly Output[];
  /** Those of its arrays that hold u32; all others hold floating-point numbers. */
  readonly integers?: readonly NoInfer<Input | Output>[];
  /** Sizes and other fixed numbers. */
  readonly constants: Readonly<Record<Constant, ConstantType>>;
  /** How outputs are written; those not named are overwritten. */
  readonly writes?: Readonly<Partial<Record<NoInfer<Output>, KernelWrite<NoInfer<Constant>>>>>;
  /** Those of its arrays that a graph in f16 holds in f16. */
  readonly halves?: readonly NoInfer<Input | Output>[];
  /** Calls to try it with; they need `sizes`. */
  readonly tries?: readonly KernelTry<NoInfer<Input>, NoInfer<Constant>>[];
  /** Elements of each array. */
  sizes?(constants: Readonly<Record<Constant, number>>): Readonly<Record<NoInfer<Input | Output>, number>>;
  /** Elements that a call touches of arrays of which it touches a part, such as rows looked up. */
  touched?(constants: Readonly<Record<Constant, number>>): Readonly<Partial<Record<NoInfer<Input | Output>, number>>>;
  /** What each integer of an array must be below. */
  below?(constants: Readonly<Record<Constant, number>>): Readonly<Partial<Record<NoInfer<Input | Output>, number>>>;
  /** FLOPs of a call. Accounting names a kernel that does not say. */
  flops?(constants: Readonly<Record<Constant, number>>): KernelFlops;
}

/** FLOPs of which none are a matrix product's. */
export function otherFlops(flops: number): KernelFlops {
  return { matmul: 0, other: flops };
}

/** FLOPs of a matrix product, and of what is done beside it. */
export function matmulFlops(flops: number, other = 0): KernelFlops {
  return { matmul: flops, other };
}

/**
 * Declares a kernel, keeping the names of its arguments as types so that calls are checked by the compiler.
 * @throws {RangeError} If the declaration contradicts itself; the message names the kernel and the field.
 */
export function defineKernel<const I extends string, const O extends string, const C extends string>(
  kernel: Kernel<I, O, C>,
): Kernel<I, O, C> {
  requireConsistent(kernel);
  return Object.freeze(kernel);
}

/** A call's constants by the names that the kernel gives them. */
export function namedConstants(
  kernel: { readonly constants: Readonly<Record<string, unknown>> },
  constants: readonly number[],
): Record<string, number> {
  return Object.fromEntries(Object.keys(kernel.constants).map((name, i) => [name, constants[i]]));
}

/** Whether a call with these constants adds to what an output holds. */
export function addsTo(kernel: Kernel, output: string, constants: Readonly<Record<string, number>>): boolean {
  const write = kernel.writes?.[output];
  return typeof write === "object" && constants[write.addedIf] === 1;
}

/** Whether a call with these constants reads an output as well as writing it. */
export function readsOutput(kernel: Kernel, output: string, constants: Readonly<Record<string, number>>): boolean {
  return kernel.writes?.[output] === "updated" || addsTo(kernel, output, constants);
}
