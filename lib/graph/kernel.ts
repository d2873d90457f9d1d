/**
 * The contract between ops and backends: a kernel's name, what it reads and writes, its constants, and what it costs.
 */

import { requireConsistent } from "./kernel_checks.ts";

/** How a constant is encoded for a kernel. */
export type ConstantType = "u32" | "f32";

/**
 * How a kernel writes an output. `"overwritten"`: every element is written. `"updated"`: it reads what is there and
 * changes it. `"partly overwritten"`: some elements are written and the others stay. `addedIf`: it adds to what is
 * there if the constant of that name is 1, and overwrites it otherwise.
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
  /**
   * Everything else: each add, subtract, multiply, divide, comparison, square root, exponential and logarithm is one.
   */
  readonly other: number;
  /** The share of `matmul` that the kernel really does, 1 by default: a causal kernel skips what the mask hides. */
  readonly done?: number;
}

/** A call to test a kernel with. */
export interface KernelTry<Input extends string = string, Constant extends string = string> {
  /** All of the kernel's constants. */
  readonly constants: Readonly<Record<Constant, number>>;
  /** What some inputs hold. The others are drawn at random: floats in (−1, 1), integers below their bound. */
  readonly inputs?: Readonly<Partial<Record<Input, readonly number[]>>>;
  /** Whether it is too much for a software adapter, a CPU that poses as a GPU. */
  readonly large?: boolean;
}

/**
 * A kernel's signature, and everything known about it apart from its code. Accounting, the scheduler, the self-test and
 * the benches read it here. Both backends implement each kernel under this name. It takes the inputs, then the outputs,
 * then the constants, each in the order given here.
 */
export interface Kernel<
  Input extends string = string,
  Output extends string = string,
  Constant extends string = string,
> {
  /** The name under which `kernels/wgsl` and `kernels/simd` have it. */
  readonly name: string;
  /** Arrays that are only read. */
  readonly inputs: readonly Input[];
  /** Arrays that are written. */
  readonly outputs: readonly Output[];
  /** The arrays that hold u32; all others hold floating-point numbers. */
  readonly integers?: readonly NoInfer<Input | Output>[];
  /** Sizes and other fixed numbers. */
  readonly constants: Readonly<Record<Constant, ConstantType>>;
  /** How outputs are written; those not listed are overwritten. */
  readonly writes?: Readonly<Partial<Record<NoInfer<Output>, KernelWrite<NoInfer<Constant>>>>>;
  /** The arrays that a graph in f16 holds in f16. */
  readonly halves?: readonly NoInfer<Input | Output>[];
  /** What its products round their operands to as they read them, where that is not the arrays' own format. */
  readonly rounds?: "bf16";
  /** Calls to test it with; they need `sizes`. */
  readonly tries?: readonly KernelTry<NoInfer<Input>, NoInfer<Constant>>[];
  /** Elements of each array. */
  sizes?(constants: Readonly<Record<Constant, number>>): Readonly<Record<NoInfer<Input | Output>, number>>;
  /** For arrays of which a call touches only a part, such as rows looked up: how many elements it touches. */
  touched?(constants: Readonly<Record<Constant, number>>): Readonly<Partial<Record<NoInfer<Input | Output>, number>>>;
  /** The bound that each integer of an array must be below. */
  below?(constants: Readonly<Record<Constant, number>>): Readonly<Partial<Record<NoInfer<Input | Output>, number>>>;
  /** FLOPs of a call. Accounting reports kernels that leave this out. */
  flops?(constants: Readonly<Record<Constant, number>>): KernelFlops;
}

/** FLOPs of a kernel without matrix products. */
export function otherFlops(flops: number): KernelFlops {
  return { matmul: 0, other: flops };
}

/** FLOPs of a matrix product, and of whatever else the kernel does. */
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

/** A call's constants, by the names that the kernel gives them. */
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
