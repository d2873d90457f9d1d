/** More workers, each with memory of its own, would leave less than half of the 4 GiB to the storages. */
const MAX_WORKERS = 256;

/** What a backend on the CPU may be told. */
export interface WasmBackendOptions {
  /** Number of workers; by default one for each core, and 256 at most. Results have the same bits for any number. */
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
