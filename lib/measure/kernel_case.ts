import type { Precision } from "../graph/graph.ts";
import type { Kernel } from "../graph/kernel.ts";
import type { ArraySpec } from "./kernel_arrays.ts";
import type { KernelCase } from "./kernel_time.ts";

/**
 * A kernel call with these constants, and arrays as the kernel declares them.
 *
 * @param constants By name; all of them.
 * @param precision `"f16"` to hold in f16 what a graph in f16 does.
 * @throws {RangeError} If the kernel does not declare its arrays' sizes.
 */
export function kernelCase(
  kernel: Kernel,
  constants: Readonly<Record<string, number>>,
  precision: Precision = "f32",
): KernelCase {
  const sizes = kernel.sizes?.(constants);
  if (sizes === undefined) throw new RangeError(`Cannot time kernel ${kernel.name}: got no sizes, must declare them`);
  const below = kernel.below?.(constants) ?? {};
  const arrays = [...kernel.inputs, ...kernel.outputs].map((name): ArraySpec => {
    const size = sizes[name];
    if (kernel.integers?.includes(name)) return { size, dtype: "u32", below: below[name] };
    return precision === "f16" && kernel.halves?.includes(name) ? { size, dtype: "f16" } : size;
  });
  return { kernel, arrays, constants: Object.keys(kernel.constants).map((name) => constants[name]) };
}
