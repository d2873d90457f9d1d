import { ExecutableMemoryError } from "./executable_memory_error.ts";

/** Systems that machine code can be called on. */
export type CallingSystem = "linux" | "darwin" | "windows";

/** Where they keep the C library's functions. */
export const C_LIBRARY: Readonly<Record<CallingSystem, string>> = {
  linux: "libc.so.6",
  darwin: "libSystem.B.dylib",
  windows: "ucrtbase.dll",
};

/**
 * The functions of a library of the system's. It stays open.
 * @throws {ExecutableMemoryError} If it is not there, or lacks one.
 * @throws {Deno.errors.NotCapable} Without permission to use FFI.
 */
export function openLibrary<S extends Deno.ForeignLibraryInterface>(
  file: string,
  symbols: S,
): Deno.StaticForeignLibraryInterface<S> {
  try {
    return Deno.dlopen(file, symbols).symbols;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new ExecutableMemoryError(`Cannot open ${file}: ${reason}`, { cause: error });
  }
}
