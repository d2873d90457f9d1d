import type { CallingConvention } from "../../../kernels/native/calling.ts";
import { ExecutableMemoryError } from "./executable_memory_error.ts";
import { openPageFunctions } from "./pages.ts";

/** The calling convention of a system, where machine code can be called there at all. */
export function callingConvention(os: string): CallingConvention | undefined {
  if (os === "linux" || os === "darwin") return "systemV";
  return os === "windows" ? "windows" : undefined;
}

/** Bytes of a page on x86-64. */
const PAGE_BYTES = 4096;

/**
 * Machine code in memory. Each piece has pages of its own, which are written first and made executable then: none are ever
 * both. Freed when disposed of; nothing may be in it, or enter it, by then.
 */
export class ExecutableMemory implements Disposable {
  readonly #functions;
  readonly #pages: { readonly start: Deno.PointerObject; readonly bytes: number }[] = [];

  /**
   * Of this system.
   * @throws {ExecutableMemoryError} If there is none on such a system.
   * @throws {Deno.errors.NotCapable} Without permission to use FFI.
   */
  constructor() {
    const { os } = Deno.build;
    if (os !== "linux" && os !== "darwin" && os !== "windows") {
      throw new ExecutableMemoryError(`Cannot execute code: got ${os}, must be linux, darwin or windows`);
    }
    this.#functions = openPageFunctions(os);
  }

  /**
   * Puts a piece of code into memory.
   * @returns Its address.
   * @throws {ExecutableMemoryError} If the system gives no such memory.
   */
  place(code: Uint8Array<ArrayBuffer>): bigint {
    const bytes = Math.max(1, Math.ceil(code.length / PAGE_BYTES)) * PAGE_BYTES;
    const start = this.#functions.allocate(bytes);
    if (start === undefined) {
      throw new ExecutableMemoryError(`Cannot place code: got no ${bytes} bytes of memory from the system`);
    }
    new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(start, code.length)).set(code);
    if (!this.#functions.makeExecutable(start, bytes)) {
      this.#functions.free(start, bytes);
      throw new ExecutableMemoryError("Cannot place code: the system does not let memory become executable");
    }
    this.#pages.push({ start, bytes });
    return Deno.UnsafePointer.value(start);
  }

  /** Frees all code. */
  [Symbol.dispose](): void {
    for (const { start, bytes } of this.#pages.splice(0)) this.#functions.free(start, bytes);
  }
}
