import type { Bf16Unit } from "../../../kernels/native/bf16/product_shape.ts";
import { type InstructionSet, instructionSet } from "../../../kernels/native/instruction_set.ts";
import {
  assembleCpuid,
  assembleXgetbv,
  bf16Units,
  CPUID_WORDS,
  hasXgetbv,
  missingInstructions,
} from "../../../kernels/native/processor.ts";
import { callingConvention, ExecutableMemory } from "./executable_memory.ts";
import { ExecutableMemoryError } from "./executable_memory_error.ts";
import { openFunctionMaker, pointerTo } from "./native_function.ts";
import type { CallingSystem } from "./system_library.ts";

/** Why machine code cannot be used here, in words for a person: `got`, and what `must` be. */
export interface Unsupported {
  readonly got: string;
  readonly must: string;
  /** Whether it is for want of a permission, which a person can give. */
  readonly permission: boolean;
}

/** What machine code can be made of here, or why there can be none. */
export type NativeSupport =
  | { readonly set: InstructionSet; readonly bf16Units: readonly Bf16Unit[]; readonly unsupported?: undefined }
  | { readonly set?: undefined; readonly bf16Units?: undefined; readonly unsupported: Unsupported };

/**
 * Finds out what this machine's processor can do, and whether it may be asked. Prompts for no permission.
 * @param most The largest vectors to use, where the processor has larger ones.
 * @param system Of the machine; the one that this is by default.
 */
export function findNativeSupport(
  most: InstructionSet["name"] = "avx512",
  system: { readonly os: string; readonly arch: string } | undefined = thisSystem(),
): NativeSupport {
  const no = (got: string, must: string, permission = false): NativeSupport => ({
    unsupported: { got, must, permission },
  });
  if (system === undefined) return no("no Deno", "Deno, which can call machine code");
  const { os, arch } = system;
  const convention = callingConvention(os);
  if (arch !== "x86_64" || convention === undefined) {
    return no(`${os} on ${arch}`, "Linux, macOS or Windows on x86_64");
  }
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") {
    return no("no permission for FFI", "permitted to use it", true);
  }
  try {
    const words = askProcessor(os as CallingSystem, convention);
    const missing = missingInstructions(words);
    if (missing.avx2 !== undefined) return no(`a processor without ${missing.avx2}`, "one with AVX2, FMA and BMI2");
    const set = instructionSet(most === "avx512" && missing.avx512 === undefined ? "avx512" : "avx2");
    return { set, bf16Units: set.name === "avx512" ? bf16Units(words) : [] };
  } catch (error) {
    // A library that is not there, or a system that does not let memory become executable.
    if (error instanceof ExecutableMemoryError) {
      return no(`"${error.message}"`, "a system that lets programs make code");
    }
    throw error;
  }
}

function thisSystem(): { readonly os: string; readonly arch: string } | undefined {
  return typeof Deno === "undefined" ? undefined : Deno.build;
}

/** What CPUID and XGETBV say. */
function askProcessor(os: CallingSystem, convention: "systemV" | "windows") {
  using memory = new ExecutableMemory();
  const make = openFunctionMaker(os);
  const words = new Uint32Array(Object.keys(CPUID_WORDS).length);
  const pointer = pointerTo(new Uint8Array(words.buffer));
  const cpuid = make(memory.place(assembleCpuid(convention)));
  const ask = (leaf: number, part = 0) => {
    words[CPUID_WORDS.leaf] = leaf;
    words[CPUID_WORDS.part] = part;
    cpuid(pointer);
    const [eax, ebx, ecx, edx] = words.subarray(CPUID_WORDS.eax);
    return { eax, ebx, ecx, edx };
  };
  // A leaf beyond the last answers with another one's words.
  const last = ask(0).eax;
  const leaf1Ecx = ask(1).ecx;
  const leaf7 = last >= 7 ? ask(7) : undefined;
  const leaf7Part1Eax = leaf7 !== undefined && leaf7.eax >= 1 ? ask(7, 1).eax : 0;
  const leaves = { leaf1Ecx, leaf7Ebx: leaf7?.ebx ?? 0, leaf7Edx: leaf7?.edx ?? 0, leaf7Part1Eax };
  if (!hasXgetbv(leaf1Ecx)) return { ...leaves, savedRegisters: 0 };
  make(memory.place(assembleXgetbv(convention)))(pointer);
  return { ...leaves, savedRegisters: words[CPUID_WORDS.eax] };
}
