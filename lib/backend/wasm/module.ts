import type { InstructionSet } from "../../../kernels/native/instruction_set.ts";
import modulePages from "../../../kernels/simd/kernels.wasm.b64" with { type: "text" };

/** A function that the module exports: pointers and constants in, nothing out. */
export type KernelFunction = (...args: number[]) => void;

/** What a worker is started with. */
export interface WorkerStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly worker: number;
  readonly workers: number;
  /** Address of the worker's private memory. */
  readonly scratch: number;
  /** Address of the worker's heartbeat. */
  readonly beat: number;
  /** For a worker that also calls machine code. */
  readonly native?: NativeStart;
}

/** What a worker is told that calls machine code. */
export interface NativeStart {
  /** The instructions that the code is made of. */
  readonly set: InstructionSet["name"];
  /** Address of the worker's memory for parameters: see kernels/native/calling.ts. */
  readonly parameters: number;
}

/** What a worker reports to the main thread: it is ready, a kernel trapped, or it ended, as ordered or not. */
export type WorkerMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly call: number; readonly message: string }
  | { readonly kind: "ended" }
  | { readonly kind: "died"; readonly message: string };

/** The module's functions that are no kernels: what workers need to share the kernels' work. */
export const WORKER_FUNCTIONS: readonly string[] = [
  ...["await_call", "complete", "take", "wake", "set_scratch", "set_worker"],
  ...["divide_work", "claim_work", "first_unit", "end_unit"],
];

/** Compiles the committed kernels. */
export async function compileModule(): Promise<WebAssembly.Module> {
  return await WebAssembly.compile(Uint8Array.fromBase64(modulePages));
}

/** The names of the module's functions, in the order that call lists refer to. */
export function kernelNames(module: WebAssembly.Module): string[] {
  return WebAssembly.Module.exports(module).filter(({ kind }) => kind === "function").map(({ name }) => name);
}

/** An instance over the shared memory: its functions in the order of `kernelNames`. */
export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): KernelFunction[] {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return kernelNames(module).map((name) => exports[name] as KernelFunction);
}
