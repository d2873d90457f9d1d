/** Each worker has memory of its own: more of them would leave the storages less than half of the 4 GiB. */
const MAX_WORKERS = 256;

/** Options for the backends on the CPU. */
export interface WasmBackendOptions {
  /** Number of workers: 256 at most, by default one per core. Results have the same bits for any number. */
  readonly workers?: number;
}

/**
 * How many workers a backend of that name starts.
 * @throws {RangeError} If it was told a number that is not a whole one from 1 to 256.
 */
export function workerCount(name: string, options: WasmBackendOptions): number {
  const workers = options.workers ?? Math.min(navigator.hardwareConcurrency, MAX_WORKERS);
  if (Number.isSafeInteger(workers) && workers >= 1 && workers <= MAX_WORKERS) return workers;
  throw new RangeError(
    `Cannot start the ${name} backend: got ${workers} workers, must be a whole number from 1 to ${MAX_WORKERS}`,
  );
}
