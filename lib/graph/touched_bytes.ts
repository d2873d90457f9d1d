import { type Kernel, namedConstants, readsOutput } from "./kernel.ts";

/** A call with known array sizes, such as a `ProgramCall`. */
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
 * Bytes of memory that a call cannot avoid touching: each array once. Inputs are read, outputs are written, and also
 * read if they are updated or added to. Of an array that is only partly touched, that part counts.
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
