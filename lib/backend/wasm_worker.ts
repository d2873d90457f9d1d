/// <reference lib="deno.worker" />
/**
 * A worker of the wasm backend: waits for a program, walks its calls with its share of each, meets the other workers
 * after every call, and waits for the next. It never returns to the event loop while the backend lives, because waiting
 * on the shared memory is the fastest way to be woken.
 */
import { decodeProgram, QUIT, WORD } from "./wasm/layout.ts";
import { instantiate, kernelNames, type WorkerMessage, type WorkerStart } from "./wasm/module.ts";

function post(message: WorkerMessage): void {
  self.postMessage(message);
}

self.onmessage = ({ data }: MessageEvent<WorkerStart>) => {
  serve(data);
  post({ kind: "ended" });
  self.close();
};

function serve({ module, memory, worker, workers, scratch, spins }: WorkerStart): void {
  const functions = instantiate(module, memory);
  const names = kernelNames(module);
  const barrier = functions[names.indexOf("barrier")];
  functions[names.indexOf("set_scratch")](scratch);
  const words = new Int32Array(memory.buffer, 0, 256);
  // By address, as long as the program found there is still the same one.
  const programs = new Map<number, { id: number; calls: (() => void)[] }>();
  let sequence = Atomics.load(words, WORD.sequence);
  post({ kind: "ready" });

  for (;;) {
    for (let i = 0; i < spins && Atomics.load(words, WORD.sequence) === sequence; i++) Atomics.pause();
    while (Atomics.load(words, WORD.sequence) === sequence) Atomics.wait(words, WORD.sequence, sequence);
    sequence = Atomics.load(words, WORD.sequence);
    const address = Atomics.load(words, WORD.command) >>> 0;
    if (address === QUIT) return;
    let program = programs.get(address);
    if (program?.id !== new Float64Array(memory.buffer, address, 1)[0]) {
      const { id, calls } = decodeProgram(memory, address);
      program = {
        id,
        calls: calls.map(({ kernel, args }) => functions[kernel].bind(undefined, ...args, worker, workers)),
      };
      programs.set(address, program);
    }
    const { calls } = program;
    const profile = Atomics.load(words, WORD.profile) >>> 0;
    const times = worker === 0 && profile !== 0
      ? new Float64Array(memory.buffer, profile, calls.length + 1)
      : undefined;
    if (times !== undefined) times[0] = performance.now();
    for (let i = 0; i < calls.length; i++) {
      // After a trap nobody computes any more, but all still meet, so that nobody is left waiting.
      if (Atomics.load(words, WORD.failed) === 0) {
        try {
          calls[i]();
        } catch (error) {
          if (Atomics.compareExchange(words, WORD.failed, 0, i + 1) === 0) {
            post({ kind: "failed", call: i, message: error instanceof Error ? error.message : String(error) });
          }
        }
      }
      barrier(workers, spins);
      if (times !== undefined) times[i + 1] = performance.now();
    }
    if (worker === 0) {
      Atomics.store(words, WORD.done, sequence);
      Atomics.notify(words, WORD.done);
    }
  }
}
