import type { Program } from "../graph/program.ts";
import type { DeviceStorage, View } from "../graph/tensor.ts";
import type { Capabilities } from "./capabilities.ts";

/** Data that can be written to a view: one element per element of the view. */
export type HostArray = Float32Array | Uint32Array;

/** A device that runs programs. All implementations run the same `Program`. */
export interface Backend extends AsyncDisposable {
  /** The name of the implementation, for display. What it can do is in `capabilities`. */
  readonly name: string;
  /** The adapter, or the number of CPU workers, in words. */
  readonly description: string;
  /** What it can do. */
  readonly capabilities: Capabilities;
  /** The most bytes that all storages together may take, if that is known. */
  readonly totalBytes?: number;
  /** Bytes that storages and loaded programs take now. */
  readonly bytesInUse: number;

  /**
   * Compiles the program's kernels and allocates, zeroed, each storage that is not allocated yet. Storages are told
   * apart by identity: two programs that use the same `DeviceStorage` share its memory. If it fails, nothing stays
   * allocated.
   * @throws {Error} If a kernel does not compile or memory is short, naming the kernel or the storage.
   */
  load(program: Program): Promise<Executable>;

  /**
   * Copies `data` into the view. Takes effect before any later `run`.
   * @throws {TypeError} If `data` is not a `Float32Array` for a view of f32, or not a `Uint32Array` for one of u32.
   * @throws {RangeError} If the sizes differ, the storage was never loaded, or an index is outside the view's bounds.
   */
  write(view: View, data: HostArray): void;

  /** Copies the view out once all earlier runs are done: a `Float32Array` for f32, a `Uint32Array` for u32. */
  read(view: View): Promise<HostArray>;

  /**
   * Frees a storage's memory and all programs that use it; those then refuse to run. Does nothing if it has no memory.
   */
  release(storage: DeviceStorage): void;

  /** Frees everything. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A loaded program. */
export interface Executable {
  /**
   * Runs every call in order. Resolves when the next `write` or `run` may be issued. On a GPU that is when the work has
   * been submitted, so a loop need not wait for the device; use `read` to wait for results.
   * @throws {Error} If the device was lost or a kernel failed since the last run.
   */
  run(): Promise<void>;

  /**
   * Runs every call in order and returns how many seconds each took; the results are the same as after `run`. Absent if
   * the device has no clock for this.
   */
  profile?(): Promise<Float64Array>;

  /**
   * Runs all calls in order, `repeats` times without a pause, and returns how many seconds that took by the device's
   * own clock. What the host does meanwhile, and the time until it learns of the end, are not included. Absent if the
   * device has no clock.
   */
  time?(repeats: number): Promise<number>;
}
