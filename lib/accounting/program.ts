import { type Kernel, type KernelFlops, namedConstants } from "../graph/kernel.ts";

/** The part of a kernel call that is counted. A `ProgramCall` of lib/graph will do. */
export interface CountedCall {
  /** The kernel: its name, constants and FLOPs. */
  readonly kernel: Pick<Kernel, "name" | "constants" | "flops">;
  /** In the order of the kernel's constants. */
  readonly constants: readonly number[];
}

/** A block of memory. A `DeviceStorage` of lib/graph will do. */
export interface CountedStorage {
  /** What it holds. */
  readonly name: string;
  /** Its size. */
  readonly bytes: number;
}

/** A planned program. A `Program` of lib/graph will do. */
export interface CountedProgram {
  /** In the order in which they run. */
  readonly calls: readonly CountedCall[];
  /** Everything that the calls touch. */
  readonly storages: readonly CountedStorage[];
  /** The storages among them that hold intermediates. */
  readonly scratch: readonly CountedStorage[];
}

/** FLOPs of a program's calls by direction, as their names tell it. */
export interface ProgramFlops {
  /** Matrix products of `…_forward` kernels. */
  readonly forwardMatmul: number;
  /** Matrix products of `…_backward…` kernels. */
  readonly backwardMatmul: number;
  /** Everything else. */
  readonly other: number;
  /** Kernels that declare no FLOPs, each once. */
  readonly uncounted: readonly string[];
}

/** FLOPs of one call; `undefined` for a kernel that does not declare them. */
export function countCall({ kernel, constants }: CountedCall): KernelFlops | undefined {
  return kernel.flops?.(namedConstants(kernel, constants));
}

/** Counts the FLOPs of every call of a program, as the kernels declare them. */
export function countProgram(program: Pick<CountedProgram, "calls">): ProgramFlops {
  let forwardMatmul = 0;
  let backwardMatmul = 0;
  let other = 0;
  const uncounted = new Set<string>();
  for (const call of program.calls) {
    const flops = countCall(call);
    if (flops === undefined) {
      uncounted.add(call.kernel.name);
      continue;
    }
    if (call.kernel.name.includes("_backward")) backwardMatmul += flops.matmul;
    else forwardMatmul += flops.matmul;
    other += flops.other;
  }
  return { forwardMatmul, backwardMatmul, other, uncounted: [...uncounted] };
}

/** Bytes that a program occupies. */
export interface ProgramMemory {
  /** Intermediates: activations kept for the backward pass, and gradients of activations. */
  readonly scratch: number;
  /** Parameters, gradients, moments, inputs, tables and logs. */
  readonly fixed: number;
  /** The sum of the two. */
  readonly total: number;
}

/** Counts a program's memory from the planner's own storages. */
export function programMemory(program: Pick<CountedProgram, "storages" | "scratch">): ProgramMemory {
  const sum = (storages: readonly CountedStorage[]) => storages.reduce((bytes, storage) => bytes + storage.bytes, 0);
  const scratch = sum(program.scratch);
  const total = sum(program.storages);
  return { scratch, fixed: total - scratch, total };
}
