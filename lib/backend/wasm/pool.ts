import { PARAMETER_BYTES } from "../../../kernels/native/calling.ts";
import type { InstructionSet } from "../../../kernels/native/instruction_set.ts";
import { SILENT_SECONDS, Watchdog } from "../../io/watchdog.ts";
import { Allocator } from "./allocator.ts";
import { beginRun, closeGate, isOver, nextRun, quit } from "./gate.ts";
import { BEAT_BYTES, MAX_PAGES, SCRATCH_BYTES, WORD } from "./layout.ts";
import type { WorkerMessage, WorkerStart } from "./module.ts";

/** A call that trapped, or from which a worker does not return. */
export interface Failure {
  /** Its index in the program. */
  readonly call: number;
  readonly worker: number;
  readonly message: string;
}

/** Options for `WorkerPool.start`. */
export interface PoolOptions {
  readonly workers: number;
  /** The instructions of the machine code that workers call as well, if they do. */
  readonly native?: InstructionSet["name"];
  /** Seconds after which workers that neither begin nor end a call are given up on. */
  readonly silentSeconds?: number;
}

/** The workers, the memory that they share, and the signals between them and the main thread. */
export class WorkerPool {
  readonly memory = new WebAssembly.Memory({ initial: 2, maximum: MAX_PAGES, shared: true });
  readonly allocator: Allocator;
  /** The backend whose workers they are, for messages. */
  readonly #backend: "native" | "wasm";
  readonly #words = new Int32Array(this.memory.buffer, 0, 256);
  readonly #workers: Worker[] = [];
  readonly #watchdog: Watchdog;
  /** Address of each worker's count of calls and its newest call: see `BEAT_BYTES`. */
  readonly #beats: number;
  #run = 0;
  #ready = 0;
  /** Rejects what waits for the workers to be ready, to report a failure, or to end. */
  readonly #ended = Promise.withResolvers<never>();
  #isAwaited = true;
  #failure: Failure | undefined;
  #failureReported: (() => void) | undefined;
  #lost: Error | undefined;

  private constructor({ workers, native, silentSeconds = SILENT_SECONDS }: PoolOptions) {
    this.#backend = native === undefined ? "wasm" : "native";
    this.allocator = new Allocator(this.memory, this.#backend);
    this.#beats = this.allocator.allocate(BEAT_BYTES * workers, "the workers' heartbeats");
    this.#ended.promise.catch(() => {}); // whoever waits sees it
    this.#watchdog = new Watchdog({
      isAwaited: () => this.#isAwaited,
      progress: () => this.#progress(),
      onSilence: (seconds) => this.#giveUp(seconds),
    }, silentSeconds);
  }

  /** Whether a worker was given up, or ended by itself: it may still be in the midst of a call. */
  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** Starts workers, and resolves when all are ready. */
  static async start(module: WebAssembly.Module, options: PoolOptions): Promise<WorkerPool> {
    const { workers, native } = options;
    const pool = new WorkerPool(options);
    closeGate(pool.#words);
    try {
      // All of it before the first worker starts: one that receives the memory while it grows does not notice.
      const scratch = Array.from(
        { length: workers },
        (_, worker) => pool.allocator.allocate(SCRATCH_BYTES, `scratch memory of worker ${worker}`),
      );
      const parameters = native === undefined
        ? 0
        : pool.allocator.allocate(PARAMETER_BYTES * workers, "parameters of machine code");
      const ready = scratch.map((scratch, worker) => {
        const beat = pool.#beats + worker * BEAT_BYTES;
        return pool.#add({
          ...{ module, memory: pool.memory, worker, workers, scratch, beat },
          native: native && { set: native, parameters: parameters + worker * PARAMETER_BYTES },
        });
      });
      await Promise.race([Promise.all(ready), pool.#ended.promise]);
    } catch (error) {
      pool.#terminate();
      throw error;
    }
    pool.#isAwaited = false;
    return pool;
  }

  #add(start: WorkerStart): Promise<void> {
    const worker = new Worker(new URL("../wasm_worker.ts", import.meta.url), { type: "module" });
    this.#workers.push(worker);
    const lose = (problem: string) =>
      this.#lose(new Error(`Worker ${start.worker} of the ${this.#backend} backend ended: ${problem}`));
    return new Promise((resolve) => {
      worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => {
        if (data.kind === "ready") {
          this.#ready++;
          resolve();
        } else if (data.kind === "failed") {
          this.#failure = { call: data.call, worker: start.worker, message: data.message };
          this.#failureReported?.();
        } else if (data.kind === "died") {
          lose(data.message);
        }
      };
      worker.onerror = (event) => {
        event.preventDefault();
        lose(event.message);
      };
      worker.onmessageerror = () => lose("it sent a message that cannot be read");
      worker.postMessage(start);
    });
  }

  /**
   * Runs the program at an address on all workers. Resolves with what trapped or hangs, if anything did; after a call
   * that hangs, the pool is of no further use.
   * @param profile Where to note the times of the start and of each call's end: the address of an f64 for each; or 0.
   * @throws {Error} If a worker has ended or hangs.
   */
  async run(address: number, profile = 0): Promise<Failure | undefined> {
    if (this.#lost) throw this.#lost;
    const words = this.#words;
    const run = this.#run = nextRun(this.#run);
    this.#isAwaited = true;
    beginRun(words, run, address, profile);
    while (!isOver(words, run)) {
      const done = Atomics.load(words, WORD.done);
      if (done !== run) await Atomics.waitAsync(words, WORD.done, done).value;
    }
    this.#isAwaited = false;
    const failure = Atomics.load(words, WORD.failed) === 0 ? this.#failure : await this.#reported();
    this.#failure = undefined;
    if (this.#lost && failure === undefined) throw this.#lost;
    return failure;
  }

  /** The failure that a worker noted; its message with the reason may still be on its way. */
  async #reported(): Promise<Failure> {
    if (this.#failure === undefined) {
      this.#isAwaited = true;
      const reported = new Promise<void>((resolve) => this.#failureReported = resolve);
      await Promise.race([reported, this.#ended.promise]);
      this.#isAwaited = false;
    }
    return this.#failure!;
  }

  /** Changes whenever a worker is ready, or begins a call. */
  #progress(): number {
    return this.#workers.reduce((sum, _, worker) => sum + this.#beat(worker)[0], this.#ready);
  }

  /** How many calls a worker has begun, and the index of the newest. */
  #beat(worker: number): Int32Array {
    return new Int32Array(this.memory.buffer, this.#beats + worker * BEAT_BYTES, 2);
  }

  /** Ends what waits for workers that are silent. */
  #giveUp(seconds: number): void {
    // The worker that stopped first is in the earliest call: the others wait for it.
    const calls = this.#workers.map((_, worker) => this.#beat(worker)[1]);
    const worker = calls.indexOf(Math.min(...calls));
    const message = `it has made no progress for ${seconds} seconds`;
    this.#failure = { call: calls[worker], worker, message };
    this.#lose(new Error(`Worker ${worker} of the ${this.#backend} backend hangs: ${message}`));
  }

  /** Wakes whoever waits for workers that no longer answer. */
  #lose(error: Error): void {
    this.#lost ??= error;
    this.#ended.reject(error);
    Atomics.store(this.#words, WORD.done, this.#run);
    Atomics.notify(this.#words, WORD.done);
  }

  /** Ends the workers. No run may be under way. */
  async stop(): Promise<void> {
    if (!this.#lost) {
      const ended = this.#workers.map((worker) =>
        new Promise<void>((resolve) => {
          worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => {
            if (data.kind === "ended") resolve();
          };
        })
      );
      this.#isAwaited = true;
      quit(this.#words);
      // A worker that does not end by itself is ended below.
      await Promise.race([Promise.all(ended), this.#ended.promise]).catch(() => {});
    }
    this.#terminate();
  }

  #terminate(): void {
    this.#watchdog[Symbol.dispose]();
    for (const worker of this.#workers) worker.terminate();
  }
}
