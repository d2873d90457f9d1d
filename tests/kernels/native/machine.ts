// Runs kernels of machine code in a test, on memory of their own.
import { type CallingConvention, PARAMETER_BYTES } from "../../../kernels/native/calling.ts";
import type { InstructionSet } from "../../../kernels/native/instruction_set.ts";
import { callingConvention, ExecutableMemory } from "../../../lib/backend/native/executable_memory.ts";
import { type FunctionMaker, openFunctionMaker } from "../../../lib/backend/native/native_function.ts";
import type { CallingSystem } from "../../../lib/backend/native/system_library.ts";
import { type Parameters, parametersAt } from "../../../lib/backend/native/parameters.ts";
import { findNativeSupport } from "../../../lib/backend/native/support.ts";

/** Bytes of scratch memory that kernels are given. */
export const SCRATCH_BYTES = 8 << 20;

/** Memory that kernels read and write, and the code. */
export class Machine implements Disposable {
  readonly memory = new WebAssembly.Memory({ initial: 512, maximum: 65536, shared: true });
  readonly parameters: Parameters = parametersAt(this.memory, 0);
  readonly scratch = Math.ceil(PARAMETER_BYTES / 4096) * 4096;
  readonly convention: CallingConvention;
  readonly #code = new ExecutableMemory();
  readonly #make: FunctionMaker;
  #used = this.scratch + SCRATCH_BYTES;

  constructor() {
    const { os } = Deno.build;
    this.convention = callingConvention(os)!;
    this.#make = openFunctionMaker(os as CallingSystem);
  }

  /** Makes a kernel callable. */
  place(code: Uint8Array<ArrayBuffer>): (parameters: Deno.PointerObject) => void {
    return this.#make(this.#code.place(code));
  }

  /**
   * An array, at an address that is a multiple of 4 and of no more, with guards around it: `check` throws where a kernel
   * wrote to them. What it holds at first is NaN.
   */
  array(size: number): Guarded {
    const address = this.#used + GUARD * 4;
    // What follows begins at 4 beyond a multiple of 64.
    this.#used = Math.ceil((address + (size + GUARD) * 4) / 64) * 64 + 4;
    if (this.#used > this.memory.buffer.byteLength) throw new Error("The test's arrays are too large");
    return new Guarded(this.memory, address, size);
  }

  /** Forgets all arrays. */
  clear(): void {
    this.#used = this.scratch + SCRATCH_BYTES;
  }

  [Symbol.dispose](): void {
    this.#code[Symbol.dispose]();
  }
}

/** Numbers before and behind an array that nobody may touch. */
const GUARD = 64;
const GUARD_BITS = 0x7fc0dead;

/** An array between guards. */
export class Guarded {
  readonly values: Float32Array;
  readonly #whole: Uint32Array;

  constructor(memory: WebAssembly.Memory, readonly address: number, readonly size: number) {
    this.values = new Float32Array(memory.buffer, address, size);
    this.#whole = new Uint32Array(memory.buffer, address - GUARD * 4, size + 2 * GUARD);
    this.#whole.fill(GUARD_BITS);
  }

  /** @throws {Error} If a guard was overwritten. */
  check(name: string): void {
    for (let i = 1; i <= GUARD; i++) {
      if (this.#whole[GUARD - i] !== GUARD_BITS) throw new Error(`${name}: written ${i} before its start`);
      if (this.#whole[GUARD + this.size + i - 1] !== GUARD_BITS) {
        throw new Error(`${name}: written ${i} behind its end`);
      }
    }
  }
}

/** The instruction sets that this machine has, and those that it lacks, with the reason. */
const SETS: readonly {
  readonly name: InstructionSet["name"];
  readonly set?: InstructionSet;
  readonly missing: string;
}[] = (["avx2", "avx512"] as const).map((name) => {
  const { set, unsupported } = findNativeSupport(name);
  const missing = unsupported === undefined ? "the processor lacks it" : `got ${unsupported.got}`;
  return { name, set: set?.name === name ? set : undefined, missing };
});

/** Registers a test for each instruction set; those that the machine lacks are ignored, and say why. */
export function forEachSet(name: string, body: (set: InstructionSet, machine: Machine) => void): void {
  for (const { name: label, set, missing } of SETS) {
    Deno.test({
      name: `${name} [${label}${set === undefined ? `: ${missing}` : ""}]`,
      ignore: set === undefined,
      // The system's library stays open.
      sanitizeResources: false,
      fn: () => {
        using machine = new Machine();
        body(set!, machine);
      },
    });
  }
}
