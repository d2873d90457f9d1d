import type { Kernel, KernelTry } from "../graph/kernel.ts";
import { KERNELS } from "../train/kernels.ts";

/** An input: a number of random floats in (−1, 1), given floats, or integers, given or drawn below a bound. */
export type ProbeInput =
  | number
  | { readonly floats: readonly number[] }
  | { readonly integers: readonly number[] }
  | { readonly count: number; readonly below: number };

/** One call of a kernel on random arrays. Outputs start as random numbers in (0, 1), to which some kernels must add. */
export interface Probe {
  /** The kernel to test. */
  readonly kernel: Kernel;
  /** Its inputs, by the kernel's names for them. */
  readonly inputs: Readonly<Record<string, ProbeInput>>;
  /** Sizes of the outputs. */
  readonly outputs: Readonly<Record<string, number>>;
  /** Its constants, by name. */
  readonly constants: Readonly<Record<string, number>>;
  /** The arrays that are f16; none by default. */
  readonly halves?: readonly string[];
}

/** The probes of kernels that a graph in f16 calls differently from one in f32, with those arrays in f16. */
export function inHalf(probes: readonly Probe[]): Probe[] {
  return probes.filter(({ kernel }) => kernel.halves !== undefined)
    .map((probe) => ({ ...probe, halves: probe.kernel.halves }));
}

/**
 * Every kernel that declares tries: at sizes that need several workgroups and do not divide evenly, and some that do.
 */
export function smallProbes(): Probe[] {
  return probesWhere(({ large = false }) => !large);
}

/** Products large enough for the largest tiles and for split sums. */
export function largeProbes(): Probe[] {
  return probesWhere(({ large = false }) => large);
}

function probesWhere(isWanted: (sample: KernelTry) => boolean): Probe[] {
  return KERNELS.flatMap((kernel) => (kernel.tries ?? []).filter(isWanted).map((sample) => probeOf(kernel, sample)));
}

/** A probe at sizes other than a kernel declares, with everything else as in its first try. */
export function probeAt(kernel: Kernel, sizes: Readonly<Record<string, number>>): Probe {
  const [sample] = kernel.tries!;
  return probeOf(kernel, { ...sample, constants: { ...sample.constants, ...sizes } });
}

function probeOf(kernel: Kernel, { constants, inputs: given = {} }: KernelTry): Probe {
  const sizes = kernel.sizes!(constants);
  const below = kernel.below?.(constants) ?? {};
  const input = (name: string): ProbeInput => {
    const isInteger = kernel.integers?.includes(name) ?? false;
    const values = given[name];
    if (values !== undefined) return isInteger ? { integers: values } : { floats: values };
    return isInteger ? { count: sizes[name], below: below[name]! } : sizes[name];
  };
  return {
    kernel,
    constants,
    inputs: Object.fromEntries(kernel.inputs.map((name) => [name, input(name)])),
    outputs: Object.fromEntries(kernel.outputs.map((name) => [name, sizes[name]])),
  };
}
