/** What a {@linkcode Watchdog} watches. */
export interface Watched {
  /** Whether anyone waits for it now. */
  readonly isAwaited: () => boolean;
  /** A number that changes as long as there is progress. */
  readonly progress: () => number;
  /** Called once, when nothing has changed for `seconds` while someone waited. */
  readonly onSilence: (seconds: number) => void;
}

/** How long nothing may change. Whole seconds. */
export const SILENT_SECONDS = 600;

/**
 * Notices that work elsewhere has silently stopped: in a worker that hangs, on a device that does not answer. It looks
 * once a second, and counts looks instead of time: work that was suspended with the machine, or held up as long as this
 * thread, has not stopped. Declare it with `using`.
 */
export class Watchdog implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #watched: Watched;
  readonly #silentSeconds: number;
  #silent = 0;
  #progress: number | undefined;

  constructor(watched: Watched, silentSeconds: number = SILENT_SECONDS) {
    this.#watched = watched;
    this.#silentSeconds = silentSeconds;
    this.#timer = setInterval(() => this.#look(), 1000);
  }

  #look(): void {
    const { isAwaited, progress, onSilence } = this.#watched;
    const now = isAwaited() ? progress() : undefined;
    if (now === undefined || now !== this.#progress) this.#silent = 0;
    else this.#silent++;
    this.#progress = now;
    if (this.#silent < this.#silentSeconds) return;
    this[Symbol.dispose]();
    onSilence(this.#silent);
  }

  /** Stops watching. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
