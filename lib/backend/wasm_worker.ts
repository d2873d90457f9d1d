/// <reference lib="deno.worker" />
/**
 * A worker of the wasm backend. It waits for a program, does its share of each call (after the calls that this one
 * needs are complete), and waits for the next program. It never returns to the event loop while the backend lives,
 * because waiting on the shared memory is the fastest way to be woken.
 */
import { enterRun, leaveRun } from "./wasm/gate.ts";
import { QUIT, WORD } from "./wasm/layout.ts";
import { instantiate, kernelNames, type WorkerMessage, type WorkerStart } from "./wasm/module.ts";
import type { WorkerOptions } from "./native/worker_kernels.ts";
import { type BindKernel, readPhases, type WorkerCall, type WorkerPhases } from "./wasm/phases.ts";

/** How many times a worker looks for the next program before it sleeps: about a tenth of a millisecond. */
const LOOKS = 20_000;

function post(message: WorkerMessage): void {
  self.postMessage(message);
}

self.onmessage = async ({ data }: MessageEvent<WorkerStart>) => {
  try {
    // Loaded only where it is needed.
    serve(data, data.native && (await import("./native/worker_kernels.ts")).openNativeKernels);
    post({ kind: "ended" });
  } catch (error) {
    // If thrown again, it would be printed as well.
    post({ kind: "died", message: error instanceof Error ? error.message : String(error) });
  }
  self.close();
};

function serve(
  { module, memory, worker, workers, scratch, beat, native }: WorkerStart,
  openNativeKernels: ((options: WorkerOptions) => BindKernel) | undefined,
): void {
  const functions = instantiate(module, memory);
  const names = kernelNames(module);
  const named = (name: string) => functions[names.indexOf(name)];
  const bindNative = native && openNativeKernels?.({ memory, scratch, workers, named, ...native });
  const bind: BindKernel = (kernel, args) =>
    kernel < functions.length
      ? functions[kernel].bind(undefined, ...args)
      : bindNative!(kernel - functions.length, args);
  const [awaitCall, complete, take, wake] = ["await_call", "complete", "take", "wake"].map(named);
  named("set_scratch")(scratch);
  named("set_worker")(worker, workers);
  const words = new Int32Array(memory.buffer, 0, 256);
  const beats = new Int32Array(memory.buffer, beat, 2);
  // By address, as long as the program found there is still the same one.
  const programs = new Map<number, WorkerPhases>();
  let sequence = Atomics.load(words, WORD.sequence);
  post({ kind: "ready" });

  for (;;) {
    // The first worker does not look for long: the main thread, which will wake it, may need its core. The others, awake
    // when the next token's run comes, begin it.
    for (let looks = 0; worker > 0 && looks < LOOKS && Atomics.load(words, WORD.sequence) === sequence; looks++);
    while (Atomics.load(words, WORD.sequence) === sequence) Atomics.wait(words, WORD.sequence, sequence);
    sequence = Atomics.load(words, WORD.sequence);
    if (Atomics.load(words, WORD.command) === QUIT) return;
    // A worker that comes late finds the run over. Once it is inside, the run does not end without it.
    if (!enterRun(words)) continue;
    const phases = find(Atomics.load(words, WORD.command) >>> 0);
    const notes = Atomics.load(words, WORD.profile) >>> 0;
    if (notes === 0) run(phases);
    else profile(phases, new Float64Array(memory.buffer, notes, phases.calls + 1));
    leaveRun(words);
  }

  function run({ phases }: WorkerPhases): void {
    for (const { shared, alone, awaited } of phases) {
      if (alone.length > 0 && (workers === 1 || take(alone[0].counters))) {
        for (const call of alone) make(call);
        if (workers > 1) complete(alone[0].counters);
      }
      for (const call of shared) make(call);
      if (workers > 1) { for (const counters of awaited) awaitCall(counters); }
    }
  }

  /** Each call by itself, with the times, in ms, of the start and of each call's end. */
  function profile({ phases }: WorkerPhases, times: Float64Array): void {
    if (worker === 0) times[0] = performance.now();
    const calls = phases.flatMap(({ shared, alone }) => [...shared, ...alone]).sort((a, b) => a.index - b.index);
    for (const call of calls) {
      if (!call.alone) make(call);
      else if (worker === 0) {
        make(call);
        if (workers > 1) complete(call.counters);
      }
      if (workers > 1) awaitCall(call.counters);
      if (worker === 0) times[call.index + 1] = performance.now();
    }
  }

  function find(address: number): WorkerPhases {
    const known = programs.get(address);
    if (known?.id === new Float64Array(memory.buffer, address, 1)[0]) return known;
    const phases = readPhases(memory, address, bind);
    programs.set(address, phases);
    return phases;
  }

  function make({ run, index }: WorkerCall): void {
    // After a trap, no worker computes or waits any more.
    if (Atomics.load(words, WORD.failed) !== 0) return;
    beats[0]++;
    beats[1] = index;
    try {
      run();
    } catch (error) {
      if (Atomics.compareExchange(words, WORD.failed, 0, index + 1) === 0) {
        post({ kind: "failed", call: index, message: error instanceof Error ? error.message : String(error) });
      }
      wake();
    }
  }
}
