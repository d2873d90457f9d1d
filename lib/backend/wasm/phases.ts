import { decodeProgram } from "./layout.ts";

/** A call as a worker makes it. */
export interface WorkerCall {
  /** Its place in the program. */
  readonly index: number;
  readonly alone: boolean;
  /** The address of its counters. */
  readonly counters: number;
  readonly run: () => void;
}

/** Calls that do not need each other's results, except for those that one worker makes: these are made in order. */
export interface Phase {
  /** Calls that all workers take part in. */
  readonly shared: readonly WorkerCall[];
  /** Calls that are all made by the worker that takes the first. */
  readonly alone: readonly WorkerCall[];
  /** Counters that show when all calls are complete: those of each shared call, and of the first of the others. */
  readonly awaited: readonly number[];
}

/** A program as a worker walks it. */
export interface WorkerPhases {
  /** A number that no other program of the backend has. */
  readonly id: number;
  /** How many there are. */
  readonly calls: number;
  readonly phases: readonly Phase[];
}

/** Makes the function that makes a call: of a kernel by its index, with the arguments that were encoded. */
export type BindKernel = (kernel: number, args: readonly number[]) => () => void;

/** Reads the program at an address: a phase ends where the next call needs what others compute in it. */
export function readPhases(
  memory: WebAssembly.Memory,
  address: number,
  bind: BindKernel,
): WorkerPhases {
  const { id, calls } = decodeProgram(memory, address);
  const phases: { shared: WorkerCall[]; alone: WorkerCall[] }[] = [{ shared: [], alone: [] }];
  calls.forEach(({ kernel, meet, alone, counters, args }, index) => {
    if (meet) phases.push({ shared: [], alone: [] });
    const call = { index, alone, counters, run: bind(kernel, args) };
    phases.at(-1)![alone ? "alone" : "shared"].push(call);
  });
  return {
    id,
    calls: calls.length,
    phases: phases.map((phase) => ({
      ...phase,
      awaited: [...phase.shared, ...phase.alone.slice(0, 1)].map(({ counters }) => counters),
    })),
  };
}
