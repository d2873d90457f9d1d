/// <reference lib="deno.worker" />
/**
 * A worker of the wasm backend: waits for a program, walks its calls with its share of each, meets the other workers
 * where one needs another's results, and waits for the next program. It never returns to the event loop while the backend lives, because waiting
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

/** A call as this worker makes it. */
interface WorkerCall {
  readonly meet: boolean;
  /** Absent where another worker makes the call alone. */
  readonly run: (() => void) | undefined;
}

function serve({ module, memory, worker, workers, scratch }: WorkerStart): void {
  const functions = instantiate(module, memory);
  const names = kernelNames(module);
  const barrier = functions[names.indexOf("barrier")];
  functions[names.indexOf("set_scratch")](scratch);
  functions[names.indexOf("set_worker")](worker, workers);
  const words = new Int32Array(memory.buffer, 0, 256);
  // By address, as long as the program found there is still the same one.
  const programs = new Map<number, { id: number; calls: WorkerCall[] }>();
  let sequence = Atomics.load(words, WORD.sequence);
  post({ kind: "ready" });

  for (;;) {
    // No spinning here: the main thread, which will wake this worker, may need its core.
    while (Atomics.load(words, WORD.sequence) === sequence) Atomics.wait(words, WORD.sequence, sequence);
    sequence = Atomics.load(words, WORD.sequence);
    const address = Atomics.load(words, WORD.command) >>> 0;
    if (address === QUIT) return;
    const calls = find(address);
    const notes = Atomics.load(words, WORD.profile) >>> 0;
    if (notes === 0) {
      for (let i = 0; i < calls.length; i++) {
        if (calls[i].meet) barrier(workers);
        make(calls[i], i);
      }
      barrier(workers);
    } else {
      const times = new Float64Array(memory.buffer, notes, calls.length + 1);
      const note = (i: number) => {
        if (worker === 0) times[i] = performance.now();
      };
      note(0);
      for (let i = 0; i < calls.length; i++) {
        make(calls[i], i);
        barrier(workers);
        note(i + 1);
      }
    }
    if (worker === 0) {
      Atomics.store(words, WORD.done, sequence);
      Atomics.notify(words, WORD.done);
    }
  }

  function find(address: number): readonly WorkerCall[] {
    const known = programs.get(address);
    if (known?.id === new Float64Array(memory.buffer, address, 1)[0]) return known.calls;
    const { id, calls: encoded } = decodeProgram(memory, address);
    const calls = encoded.map(({ kernel, meet, alone, args }): WorkerCall => {
      return { meet, run: alone && worker > 0 ? undefined : functions[kernel].bind(undefined, ...args) };
    });
    programs.set(address, { id, calls });
    return calls;
  }

  function make({ run }: WorkerCall, index: number): void {
    // After a trap nobody computes any more, but all still meet, so that nobody is left waiting.
    if (run === undefined || Atomics.load(words, WORD.failed) !== 0) return;
    try {
      run();
    } catch (error) {
      if (Atomics.compareExchange(words, WORD.failed, 0, index + 1) === 0) {
        post({ kind: "failed", call: index, message: error instanceof Error ? error.message : String(error) });
      }
    }
  }
}
