import type { InstructionSet } from "../../../kernels/native/instruction_set.ts";
import type { CodeCache } from "./code_cache.ts";
import type { FunctionMaker } from "./native_function.ts";
import type { Parameters } from "./parameters.ts";

/** A call of a kernel of lib/, where the main thread knows it. */
export interface NativeCall {
  /** The kernel's name. */
  readonly name: string;
  readonly constants: Readonly<Record<string, number>>;
  /** Of inputs, then outputs, as WebAssembly counts. */
  readonly addresses: readonly number[];
}

/** How work is shared out: kernels/simd/work.ts, whose counters all workers' calls share. */
export interface SharedWork {
  /** Begins a call. @param counters Their address, or 0. @param least Units of a piece at least. */
  divide(counters: number, units: number, least: number): void;
  /** Claims the next piece; false when there is none left. */
  claim(): boolean;
  /** The units last claimed: from the first up to, and without, the end. */
  firstUnit(): number;
  endUnit(): number;
}

/** What a worker has to make calls with. */
export interface WorkerTools {
  readonly set: InstructionSet;
  readonly workers: number;
  readonly memory: WebAssembly.Memory;
  readonly parameters: Parameters;
  /** Address of the worker's own memory. */
  readonly scratch: number;
  readonly makeFunction: FunctionMaker;
  readonly work: SharedWork;
}

/** A kernel in machine code. */
export interface NativeKernel {
  /**
   * On the main thread: the numbers that a call is told by to the workers; the code that it needs is made.
   * @returns `undefined` for a call that WebAssembly makes as well or better.
   */
  encode(call: NativeCall, code: CodeCache): readonly number[] | undefined;
  /** On a worker: what makes the call, from those numbers. @param counters The call's, or 0: see work.ts. */
  bind(numbers: readonly number[], counters: number, tools: WorkerTools): () => void;
}
