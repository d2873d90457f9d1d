// The tokenizer's WebAssembly module (kernels/simd/tokenizer).
import modulePages from "../../kernels/simd/tokenizer.wasm.b64" with { type: "text" };
import { UserError } from "../errors.ts";

/** A number from the kernel that may exceed 2^31: `>>> 0` makes it unsigned, as it is there. */
interface Address {
  readonly value: number;
}

/** What the module exports; see its sources. */
export interface KernelExports {
  readonly memory: WebAssembly.Memory;
  // Addresses and sizes, which change when the memory grows.
  readonly classes: Address;
  readonly input: Address;
  readonly inputBytes: Address;
  readonly output: Address;
  readonly words: Address;
  readonly nextSlot: Address;
  readonly numWords: Address;
  init(numMerges: number, inputBytes: number, outputBytes: number, idBytes: number): void;
  growInput(bytes: number): void;
  count(pattern: number, length: number): void;
  addCounts(length: number): void;
  wordsEndNear(fromSlot: number, maxSlots: number): number;
  clearMerges(): void;
  setByteId(byte: number, id: number): void;
  addMerge(rank: number, left: number, right: number, merged: number, leftByte: number, rightByte: number): void;
  encode(pattern: number, from: number, length: number): number;
  outputLength(): number;
  keepToken(length: number, id: number): void;
  wordEnd(pattern: number, from: number, length: number): number;
  mergeWindow(from: number, to: number): number;
  wordsEnd(): number;
  findBytes(length: number, first: number, second: number): number;
}

let compiled: WebAssembly.Module | undefined;

/** A new instance, with a memory of its own. */
export function instantiateKernel(): KernelExports {
  // Small enough to compile synchronously, so that a tokenizer can be made without waiting.
  compiled ??= new WebAssembly.Module(Uint8Array.fromBase64(modulePages));
  const outOfMemory = () => {
    throw new UserError(
      "Cannot keep the words seen: got more than 4 GB of them, must be less. Give less text at once",
    );
  };
  const instance = new WebAssembly.Instance(compiled, { layout: { outOfMemory } });
  return instance.exports as unknown as KernelExports;
}
