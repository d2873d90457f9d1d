import type { Program } from "../graph/program.ts";
import type { DeviceStorage, View } from "../graph/tensor.ts";
import type { Capabilities } from "./capabilities.ts";

/** Data that can be written to a view: one element per element of the view. */
export type HostArray = Float32Array | Uint32Array;

/** A device that runs programs. All implementations run the same `Program`. */
export interface Backend extends AsyncDisposable {
  /** Which implementation it is, for a person to read; what it can do is said by `capabilities`. */
  readonly name: string;
  /** The adapter, or the number of CPU workers, in words for a person. */
  readonly description: string;
  /** What it can do. */
  readonly capabilities: Capabilities;
  /** Bytes that all storages together may take at most, where that is known. */
  readonly totalBytes?: number;
  /** Bytes that storages and loaded programs take at present. */
  readonly bytesInUse: number;

  /**
   * Compiles the program's kernels and allocates, zeroed, each storage that is not allocated yet. Storages are known by
   * identity: two programs that name the same `DeviceStorage` share its memory. If it fails, nothing stays allocated.
   * @throws {Error} Naming the kernel, if one does not compile; or the storage, if memory is short.
   */
  load(program: Program): Promise<Executable>;

  /**
   * Copies `data` into the view. Takes effect before any later `run`.
   * @throws {TypeError} If `data` is no `Float32Array` for a view of f32, or no `Uint32Array` for one of u32.
   * @throws {RangeError} If the sizes differ, the storage was never loaded, or an index is beyond the view's bounds.
   */
  write(view: View, data: HostArray): void;

  /** Copies the view out, after all earlier runs. A `Float32Array` for f32, a `Uint32Array` for u32. */
  read(view: View): Promise<HostArray>;

  /** Frees a storage's memory, and all programs that use it, which then refuse to run; nothing if it has none. */
  release(storage: DeviceStorage): void;

  /** Frees everything. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A loaded program. */
export interface Executable {
  /**
   * Runs every call in order. Resolves when the next `write` or `run` may be issued: on a GPU that is once the work is
   * submitted, so a loop need not wait for the device; use `read` to wait for results.
   * @throws {Error} If the device was lost or a kernel failed since the last run.
   */
  run(): Promise<void>;

  /**
   * Runs every call in order, and says how many seconds each took; what is read afterwards is as after `run`.
   * Absent where the device keeps no clock for it.
   */
  profile?(): Promise<Float64Array>;

  /**
   * Runs all calls in order, `repeats` times without a pause, and says how many seconds that took by the device's own
   * clock: what the host does meanwhile, and what it costs to hear of the end, is not in them. Absent where the device has
   * no clock.
   */
  time?(repeats: number): Promise<number>;
}
