// Memory pages from the operating system, which its own functions give by FFI.
import { C_LIBRARY, type CallingSystem, openLibrary } from "./system_library.ts";

/** What is done with pages. */
export interface PageFunctions {
  /** Writable pages. `undefined` where the system gives none. */
  allocate(bytes: number): Deno.PointerObject | undefined;
  /** From then on they can be read and executed, and not be written any more. Whether the system allows it. */
  makeExecutable(pages: Deno.PointerObject, bytes: number): boolean;
  free(pages: Deno.PointerObject, bytes: number): void;
}

/** Numbers that the systems' headers give to what is asked for. */
const PROTECT = { read: 1, write: 2, execute: 4 };
const MAP_PRIVATE = 2;
const MAP_ANONYMOUS = { linux: 0x20, darwin: 0x1000 };
const MAP_FAILED = 2n ** 64n - 1n;
const WINDOWS = { commitAndReserve: 0x3000, readWrite: 0x04, executeRead: 0x20, release: 0x8000 };

/**
 * The functions of this system.
 * @throws {ExecutableMemoryError} If the system's library cannot be opened.
 */
export function openPageFunctions(os: CallingSystem): PageFunctions {
  return functions ??= os === "windows" ? openWindows() : openUnix(os);
}

/** Opened once in each thread, and never closed. */
let functions: PageFunctions | undefined;

function openUnix(os: "linux" | "darwin"): PageFunctions {
  const symbols = openLibrary(C_LIBRARY[os], {
    mmap: { parameters: ["pointer", "usize", "i32", "i32", "i32", "i64"], result: "pointer" },
    mprotect: { parameters: ["pointer", "usize", "i32"], result: "i32" },
    munmap: { parameters: ["pointer", "usize"], result: "i32" },
  });
  return {
    allocate: (bytes) => {
      const flags = MAP_PRIVATE | MAP_ANONYMOUS[os];
      const pages = symbols.mmap(null, BigInt(bytes), PROTECT.read | PROTECT.write, flags, -1, 0n);
      return pages === null || Deno.UnsafePointer.value(pages) === MAP_FAILED ? undefined : pages;
    },
    makeExecutable: (pages, bytes) => symbols.mprotect(pages, BigInt(bytes), PROTECT.read | PROTECT.execute) === 0,
    free: (pages, bytes) => void symbols.munmap(pages, BigInt(bytes)),
  };
}

function openWindows(): PageFunctions {
  const symbols = openLibrary("kernel32.dll", {
    VirtualAlloc: { parameters: ["pointer", "usize", "u32", "u32"], result: "pointer" },
    VirtualProtect: { parameters: ["pointer", "usize", "u32", "buffer"], result: "i32" },
    VirtualFree: { parameters: ["pointer", "usize", "u32"], result: "i32" },
  });
  return {
    allocate: (bytes) =>
      symbols.VirtualAlloc(null, BigInt(bytes), WINDOWS.commitAndReserve, WINDOWS.readWrite) ?? undefined,
    makeExecutable: (pages, bytes) =>
      symbols.VirtualProtect(pages, BigInt(bytes), WINDOWS.executeRead, new Uint32Array(1)) !== 0,
    free: (pages) => void symbols.VirtualFree(pages, 0n, WINDOWS.release),
  };
}
