import type { Bf16Unit } from "../../kernels/native/bf16/product_shape.ts";
import type { InstructionSet } from "../../kernels/native/instruction_set.ts";
import { option, say } from "../errors.ts";
import type { Backend } from "./backend.ts";
import { CodeCache } from "./native/code_cache.ts";
import { callingConvention } from "./native/executable_memory.ts";
import { wantLargePages } from "./native/large_pages.ts";
import { NativeError } from "./native/native_error.ts";
import { NativeKernels } from "./native/native_kernels.ts";
import { findFault } from "./native/self_test.ts";
import { findNativeSupport, type Unsupported } from "./native/support.ts";
import { WasmBackend } from "./wasm.ts";
import { MAX_PAGES, PAGE_BYTES } from "./wasm/layout.ts";
import { compileModule } from "./wasm/module.ts";
import { WorkerPool } from "./wasm/pool.ts";
import { type WasmBackendOptions, workerCount } from "./wasm/workers.ts";

/** Options for `createNativeBackend`. */
export interface NativeBackendOptions extends WasmBackendOptions {
  /** The largest vectors to use; by default, the largest that the processor has. */
  readonly instructions?: InstructionSet["name"];
}

/**
 * Starts a backend on the CPU that makes machine code for the shapes at hand: it is the wasm backend, with the same memory
 * and workers, but for the kernels that exist in machine code. Results have the same bits for any number of workers.
 *
 * @throws {NativeError} Without permission to use FFI, on another processor, or where a kernel is wrong.
 * @throws {RangeError} If `workers` is not a whole number from 1 to 256.
 */
export async function createNativeBackend(options: NativeBackendOptions = {}): Promise<Backend> {
  const workers = workerCount("native", options);
  const { set, bf16Units, unsupported } = findNative(options);
  if (set === undefined) throw new NativeError(complaint(unsupported));
  const others = new NativeKernels(new CodeCache(set, callingConvention(Deno.build.os)!, workers, bf16Units));
  try {
    const module = await compileModule();
    const pool = await WorkerPool.start(module, { workers, native: set.name });
    wantLargePages(pool.memory, MAX_PAGES * PAGE_BYTES);
    return new WasmBackend(module, pool, workers, others);
  } catch (error) {
    others[Symbol.dispose]();
    throw error;
  }
}

/** What `findNative` found. */
export type FoundNative =
  | { readonly set: InstructionSet; readonly bf16Units: readonly Bf16Unit[]; readonly unsupported?: undefined }
  | { readonly set?: undefined; readonly bf16Units?: undefined; readonly unsupported: Unsupported };

/** The instructions that the native backend would use, all of whose kernels are right; or why there are none. */
export function findNative({ instructions }: Pick<NativeBackendOptions, "instructions"> = {}): FoundNative {
  const support = findNativeSupport(instructions);
  if (support.set === undefined) return support;
  const fault = findFault(support.set);
  if (fault === undefined) return support;
  return { unsupported: { got: fault, must: "the results of WebAssembly", permission: false } };
}

function complaint({ got, must, permission }: Unsupported) {
  const instead = option("backend", "wasm");
  return permission
    ? say`Cannot use machine code: got ${got}, must be ${must}. Run Deno with allow-ffi, or use ${instead}`
    : say`Cannot use machine code: got ${got}, must be ${must}. Use ${instead}`;
}
