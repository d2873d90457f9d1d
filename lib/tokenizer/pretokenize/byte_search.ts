// Looks for a byte, or two in a row, many at a time.
import { instantiateKernel, type KernelExports } from "../kernel_module.ts";

/** In place of a second byte: any. */
export const ANY_BYTE = 256;
/** So few bytes are looked at one after the other. */
const FEW_BYTES = 256;
/** The kernel gets this many bytes, then twice as many each time, so that little is copied in vain where finds are near. */
const FIRST_BYTES = 1 << 11;
const MOST_BYTES = 1 << 16;

let kernel: KernelExports | undefined;

/**
 * The first place in `bytes[from..to)` where `first` is, followed by `second` or {@linkcode ANY_BYTE}; -1 if there is none.
 * A `first` that is the last byte is found too, whatever follows.
 */
export function findBytes(bytes: Uint8Array, from: number, to: number, first: number, second: number): number {
  const near = Math.min(to, from + FEW_BYTES);
  for (; from < near; from++) {
    if (bytes[from] === first && (from + 1 === to || second === ANY_BYTE || bytes[from + 1] === second)) return from;
  }
  for (let size = FIRST_BYTES; from < to; size = Math.min(size * 2, MOST_BYTES)) {
    const length = Math.min(size, to - from);
    const found = search(bytes.subarray(from, from + length), first, second);
    // At the end of what was copied, the second byte was not known.
    if (found + 1 < length || from + length === to) return found < length ? from + found : -1;
    from += Math.max(1, found);
  }
  return -1;
}

/** As the kernel's function of this name. */
function search(bytes: Uint8Array, first: number, second: number): number {
  if (kernel === undefined) {
    kernel = instantiateKernel();
    kernel.init(0, MOST_BYTES, 0, 4);
  }
  new Uint8Array(kernel.memory.buffer).set(bytes, kernel.input.value >>> 0);
  return kernel.findBytes(bytes.length, first, second);
}
