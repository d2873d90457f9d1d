// Each worker's private memory, for packed panels and tiles. Each worker has an instance of the module of its own, so a
// global is private to it.

/** Bytes that a kernel may use. Known to lib/backend/wasm/layout.ts as well. */
export const SCRATCH_BYTES: usize = 8 << 20;

export let scratch: usize = 0;

/** Called once by each worker before any kernel. */
export function set_scratch(address: usize): void {
  scratch = address;
}
