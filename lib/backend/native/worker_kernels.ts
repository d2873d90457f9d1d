import { instructionSet } from "../../../kernels/native/instruction_set.ts";
import type { KernelFunction, NativeStart } from "../wasm/module.ts";
import type { BindKernel } from "../wasm/phases.ts";
import { NATIVE_KERNELS } from "./kernels.ts";
import type { WorkerTools } from "./kernel.ts";
import { openFunctionMaker } from "./native_function.ts";
import type { CallingSystem } from "./system_library.ts";
import { parametersAt } from "./parameters.ts";

/** What a worker's kernels of machine code work on. */
export interface WorkerOptions extends NativeStart {
  readonly memory: WebAssembly.Memory;
  readonly scratch: number;
  readonly workers: number;
  /** The wasm module's function of a name. */
  readonly named: (name: string) => KernelFunction;
}

/** On a worker: what makes its calls of machine code. A call's last argument is the address of its counters. */
export function openNativeKernels({ set, parameters, memory, scratch, workers, named }: WorkerOptions): BindKernel {
  const [divide, claim, firstUnit, endUnit] = ["divide_work", "claim_work", "first_unit", "end_unit"].map(named);
  const tools: WorkerTools = {
    set: instructionSet(set),
    workers,
    memory,
    parameters: parametersAt(memory, parameters),
    scratch,
    makeFunction: openFunctionMaker(Deno.build.os as CallingSystem),
    work: {
      divide,
      claim: () => Number(claim()) !== 0,
      firstUnit: () => Number(firstUnit()),
      endUnit: () => Number(endUnit()),
    },
  };
  return (kernel, args) => NATIVE_KERNELS[kernel].bind(args.slice(0, -1), args.at(-1)!, tools);
}
