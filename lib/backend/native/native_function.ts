import { C_LIBRARY, type CallingSystem, openLibrary } from "./system_library.ts";

/** A kernel in machine code: takes the address of its parameters. */
export type NativeFunction = (parameters: Deno.PointerObject) => void;

/** Makes functions of code at an address; any thread of the process may call code that was placed by another. */
export type FunctionMaker = (address: bigint) => NativeFunction;

/**
 * What calls machine code. `Deno.UnsafeFnPointer` takes more than a microsecond for each call, where the engine calls a
 * library's symbol in some nanoseconds. So the call goes by one: C's `bsearch` calls a function once, with the two addresses
 * that it was given, where it searches in an array of one element; the answer does not matter.
 *
 * @throws {ExecutableMemoryError} If the system's library cannot be opened.
 * @throws {Deno.errors.NotCapable} Without permission to use FFI.
 */
export function openFunctionMaker(os: CallingSystem): FunctionMaker {
  return maker ??= makerOf(os);
}

/** Opened once in each thread, and never closed. */
let maker: FunctionMaker | undefined;

function makerOf(os: CallingSystem): FunctionMaker {
  const { bsearch } = openLibrary(C_LIBRARY[os], {
    bsearch: { parameters: ["pointer", "pointer", "usize", "usize", "pointer"], result: "void" },
  });
  return (address) => {
    const code = Deno.UnsafePointer.create(address);
    if (code === null) throw new Error("Cannot call machine code: got address 0");
    return (parameters) => bsearch(parameters, parameters, 1n, 1n, code);
  };
}

/**
 * A pointer to an array's first byte. It holds as long as the array does; a WebAssembly memory that is shared, so declares
 * its maximum, does not move when it grows.
 */
export function pointerTo(array: Uint8Array<ArrayBufferLike>): Deno.PointerObject {
  // Deno's types do not know that memory may be shared.
  const pointer = Deno.UnsafePointer.of(array as Uint8Array<ArrayBuffer>);
  if (pointer === null) throw new Error("Cannot point to an array: got an empty one");
  return pointer;
}
