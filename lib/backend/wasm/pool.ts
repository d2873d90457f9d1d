import { Allocator } from "./allocator.ts";
import { CLOSED, MAX_PAGES, QUIT, SCRATCH_BYTES, WORD } from "./layout.ts";
import type { WorkerMessage, WorkerStart } from "./module.ts";

/** A call that trapped. */
export interface Failure {
  /** Its index in the program. */
  readonly call: number;
  readonly worker: number;
  readonly message: string;
}

/** The workers, the memory that they share, and the signals between them and the main thread. */
export class WorkerPool {
  readonly memory = new WebAssembly.Memory({ initial: 2, maximum: MAX_PAGES, shared: true });
  readonly allocator = new Allocator(this.memory);
  readonly #words = new Int32Array(this.memory.buffer, 0, 256);
  readonly #workers: Worker[] = [];
  #sequence = 0;
  #failure: Failure | undefined;
  #failureReported: (() => void) | undefined;
  #lost: Error | undefined;

  private constructor() {}

  /** Starts workers, and resolves when all are ready. */
  static async start(module: WebAssembly.Module, workers: number): Promise<WorkerPool> {
    const pool = new WorkerPool();
    Atomics.store(pool.#words, WORD.gate, CLOSED);
    const ready: Promise<void>[] = [];
    for (let worker = 0; worker < workers; worker++) {
      const scratch = pool.allocator.allocate(SCRATCH_BYTES, `scratch memory of worker ${worker}`);
      ready.push(pool.#add({ module, memory: pool.memory, worker, workers, scratch }));
    }
    try {
      await Promise.all(ready);
    } catch (error) {
      for (const worker of pool.#workers) worker.terminate();
      throw error;
    }
    return pool;
  }

  #add(start: WorkerStart): Promise<void> {
    const worker = new Worker(new URL("../wasm_worker.ts", import.meta.url), { type: "module" });
    this.#workers.push(worker);
    return new Promise((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => {
        if (data.kind === "ready") resolve();
        else if (data.kind === "failed") {
          this.#failure = { call: data.call, worker: start.worker, message: data.message };
          this.#failureReported?.();
        }
      };
      worker.onerror = (event) => {
        event.preventDefault();
        const error = new Error(`Worker ${start.worker} of the wasm backend ended: ${event.message}`);
        reject(error);
        this.#lose(error);
      };
      worker.postMessage(start);
    });
  }

  /**
   * Runs the program at an address on all workers. Resolves with what trapped, if anything did.
   * @param profile Where to note the times of the start and of each call's end: the address of an f64 for each; or 0.
   */
  async run(address: number, profile = 0): Promise<Failure | undefined> {
    if (this.#lost) throw this.#lost;
    const words = this.#words;
    const sequence = this.#sequence = (this.#sequence + 1) | 0;
    Atomics.store(words, WORD.failed, 0);
    Atomics.store(words, WORD.command, address);
    Atomics.store(words, WORD.profile, profile);
    Atomics.store(words, WORD.gate, 0);
    Atomics.store(words, WORD.sequence, sequence);
    Atomics.notify(words, WORD.sequence);
    for (;;) {
      const done = Atomics.load(words, WORD.done);
      if (done === sequence) break;
      await Atomics.waitAsync(words, WORD.done, done).value;
    }
    if (this.#lost) throw this.#lost;
    if (Atomics.load(words, WORD.failed) === 0) return undefined;
    // The worker's message with the reason may still be on its way.
    if (this.#failure === undefined) await new Promise<void>((resolve) => this.#failureReported = resolve);
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }

  /** Wakes whoever waits for a run that will not end. */
  #lose(error: Error): void {
    this.#lost ??= error;
    Atomics.store(this.#words, WORD.done, this.#sequence);
    Atomics.notify(this.#words, WORD.done);
  }

  /** Ends the workers. No run may be under way. */
  async stop(): Promise<void> {
    const ended = this.#lost ? [] : this.#workers.map((worker) =>
      new Promise<void>((resolve) => {
        worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => {
          if (data.kind === "ended") resolve();
        };
      })
    );
    Atomics.store(this.#words, WORD.command, QUIT);
    Atomics.add(this.#words, WORD.sequence, 1);
    Atomics.notify(this.#words, WORD.sequence);
    await Promise.all(ended);
    for (const worker of this.#workers) worker.terminate();
  }
}
