import { type Kernel, namedConstants, readsOutput } from "./kernel.ts";

/** A call whose arrays' sizes are known; `ProgramCall` is one. */
export interface SizedCall {
  readonly kernel: Kernel;
  /** In the order of the kernel's constants. */
  readonly constants: readonly number[];
  /** In the order of the kernel's inputs, then its outputs; sizes in elements. */
  readonly views: readonly { readonly size: number; readonly dtype?: string }[];
}

/** f16 is an intermediate's type on a GPU; all others have four bytes. */
const bytesPerElement = ({ dtype }: { readonly dtype?: string }) => dtype === "f16" ? 2 : 4;

/**
 * Bytes of memory that a call cannot avoid touching: each array once, inputs read, outputs written, and read as well where
 * they are updated or added to; of an array of which it touches a part, that part.
 */
export function touchedBytes({ kernel, constants, views }: SizedCall): number {
  const named = namedConstants(kernel, constants);
  const touched: Readonly<Record<string, number | undefined>> = kernel.touched?.(named) ?? {};
  const bytes = [...kernel.inputs, ...kernel.outputs].map((name, i) => {
    const size = bytesPerElement(views[i]) * (touched[name] ?? views[i].size);
    return i >= kernel.inputs.length && readsOutput(kernel, name, named) ? 2 * size : size;
  });
  return bytes.reduce((sum, n) => sum + n, 0);
}
