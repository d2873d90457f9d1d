import { answerOf } from "./answer.ts";
import { GpuError } from "./gpu_error.ts";

/** Collects what goes wrong on a device, so that the next call can reject with it instead of carrying on. */
export class Failures {
  readonly #device: GPUDevice;
  #first: Error | undefined;
  #settled: Promise<unknown> = Promise.resolve();
  #closed = false;
  #latest = "the first program";

  constructor(device: GPUDevice) {
    this.#device = device;
    device.addEventListener("uncapturederror", (event) => {
      // By its shape, because implementations of WebGPU other than the runtime's have their own classes.
      if ("error" in event) {
        this.#fail(`an error after ${this.#latest}: ${(event as GPUUncapturedErrorEvent).error.message}`);
      }
    });
    device.lost.then(({ message }) =>
      this.#fail(`the device was lost after ${this.#latest}: ${message || "no reason given"}`)
    );
  }

  /**
   * Does something on the device without waiting for it.
   * @param what The kernel or program, for the message of whatever fails.
   */
  watch<T>(what: string, action: () => T): T {
    this.#latest = what;
    const { result, error } = observe(this.#device, action);
    this.#settled = Promise.all([
      this.#settled,
      error.then((error) => error && this.#fail(`an error in ${what}: ${error.message}`)),
    ]);
    return result;
  }

  /** @throws {Error} The first failure so far. */
  throwIfFailed(): void {
    if (this.#first) throw this.#first;
  }

  /**
   * Waits until the device has answered for everything watched so far.
   * @throws {GpuError} The first failure so far, or if it does not answer.
   */
  async settle(): Promise<void> {
    await answerOf(this.#settled, this.#latest);
    this.throwIfFailed();
  }

  /** From here on, nothing counts as a failure. */
  close(): void {
    this.#closed = true;
  }

  #fail(message: string): void {
    if (!this.#closed) this.#first ??= new GpuError(`Cannot compute on the GPU: ${message.trimEnd()}`);
  }
}

const SCOPES: readonly GPUErrorFilter[] = ["validation", "out-of-memory", "internal"];

/** Does something on the device; `error` resolves with the first error that it caused. */
export function observe<T>(device: GPUDevice, action: () => T): { result: T; error: Promise<GPUError | undefined> } {
  SCOPES.forEach((scope) => device.pushErrorScope(scope));
  let popped: Promise<GPUError | null>[] = [];
  try {
    const result = action();
    popped = SCOPES.map(() => device.popErrorScope());
    return { result, error: firstError(popped) };
  } finally {
    if (popped.length === 0) void firstError(SCOPES.map(() => device.popErrorScope()));
  }
}

async function firstError(scopes: readonly Promise<GPUError | null>[]): Promise<GPUError | undefined> {
  return (await Promise.all(scopes)).find((error) => error !== null) ?? undefined;
}
