import { pointerTo } from "./native_function.ts";
import { C_LIBRARY, openLibrary } from "./system_library.ts";

/** What Linux calls it: MADV_HUGEPAGE. */
const WANTS_LARGE_PAGES = 14;

/**
 * Asks for pages of 2 MiB in place of 4 KiB in a shared memory, now and when it has grown: the processor then finds far
 * more of it without looking up where it lies. Kernels whose rows are kilobytes apart gain some percent. Only Linux has
 * this, and only a hint: elsewhere, nothing happens.
 *
 * @param bytes Up to which the memory can grow.
 * @returns Whether the system took the hint.
 */
export function wantLargePages(memory: WebAssembly.Memory, bytes: number): boolean {
  if (Deno.build.os !== "linux") return false;
  functions ??= open();
  return functions.madvise(pointerTo(new Uint8Array(memory.buffer)), BigInt(bytes), WANTS_LARGE_PAGES) === 0;
}

/** Opened once in each thread, and never closed. */
let functions: ReturnType<typeof open> | undefined;

function open() {
  return openLibrary(C_LIBRARY.linux, { madvise: { parameters: ["pointer", "usize", "i32"], result: "i32" } });
}
