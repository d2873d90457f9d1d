import { PARAMETER_BYTES, PARAMETER_WORDS } from "../../../kernels/native/calling.ts";
import { pointerTo } from "./native_function.ts";

/** Where a kernel finds its parameters: see kernels/native/calling.ts. Each thread has its own. */
export interface Parameters {
  /** The numbers and addresses. */
  readonly words: Uint32Array;
  /** What the kernel is given. */
  readonly pointer: Deno.PointerObject;
}

/**
 * Parameters in shared memory.
 * @param address Where, as WebAssembly counts: of `PARAMETER_BYTES`, a multiple of 8.
 */
export function parametersAt(memory: WebAssembly.Memory, address: number): Parameters {
  const bytes = new Uint8Array(memory.buffer, address, PARAMETER_BYTES);
  const pointer = pointerTo(bytes);
  const base = Deno.UnsafePointer.value(pointer) - BigInt(address);
  new BigUint64Array(memory.buffer, address, 1)[0] = base;
  return { words: new Uint32Array(memory.buffer, address + 8, PARAMETER_WORDS), pointer };
}

const FLOAT = new Float32Array(1);
const BITS = new Uint32Array(FLOAT.buffer);

/** A number as a float32, in the bits of a parameter. */
export function floatBits(value: number): number {
  FLOAT[0] = value;
  return BITS[0];
}
