// Large pages for memory, where the system gives them.

/** Linux's number for the advice. */
const MADV_HUGEPAGE = 14;
/** How far a memory may grow and still have large pages. */
const BYTES = 1n << 30n;

type Advise = (memory: WebAssembly.Memory) => void;
let advise: Advise | undefined;

/**
 * Asks Linux for pages of 2 MB for a memory, and what it grows by. A processor keeps few addresses of pages at hand: tables of
 * some megabytes are looked up faster with fewer pages. Does nothing on other systems, and without permission to use FFI;
 * nothing depends on it but time.
 */
export function adviseHugePages(memory: WebAssembly.Memory): void {
  advise ??= openAdvise();
  advise(memory);
}

function openAdvise(): Advise {
  if (typeof Deno === "undefined" || Deno.build.os !== "linux") return () => {};
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return () => {};
  try {
    const { symbols } = Deno.dlopen("libc.so.6", {
      madvise: { parameters: ["buffer", "usize", "i32"], result: "i32" },
    });
    return ({ buffer }) => void symbols.madvise(new Uint8Array(buffer as ArrayBuffer), BYTES, MADV_HUGEPAGE);
  } catch (error) {
    // Another C library, as Alpine's, has another name.
    if (error instanceof Error) return () => {};
    throw error;
  }
}
