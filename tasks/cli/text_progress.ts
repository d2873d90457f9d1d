// How far the reading of text is: bytes, speed, tokens, and the time left.
import { formatSeconds, type Progress, startProgress } from "./progress.ts";
import { formatBytes } from "./sizes.ts";

/** Work that is done sooner shows no progress. */
const QUIET_MS = 2000;

/** What is done. */
export interface TextDone {
  /** Bytes of `total` that are read. */
  readonly storedBytes: number;
  /** Bytes of text. Default: the same. */
  readonly bytes?: number;
  readonly tokens?: number;
}

/** Shows the progress of one reading. Stop it in the end, or declare it with `using`. */
export class TextProgress implements Disposable {
  readonly #started = performance.now();
  readonly #total: number | undefined;
  #progress?: Progress;

  /** @param total Bytes there are to read; `undefined` if that is not known. */
  constructor(total: number | undefined) {
    this.#total = total;
  }

  update({ storedBytes, bytes = storedBytes, tokens }: TextDone): void {
    const elapsed = performance.now() - this.#started;
    if (elapsed < QUIET_MS) return;
    const seconds = elapsed / 1000;
    const texts = {
      done: formatBytes(bytes),
      speed: `${(bytes / 1e6 / seconds).toFixed(1)} MB/s`,
      tokens: tokens === undefined ? "" : `, ${tokens} tokens`,
      eta: this.#total === undefined ? "" : `, ${formatSeconds(seconds * (this.#total / storedBytes - 1))} left`,
    };
    const bar = this.#total === undefined ? "" : " [{bar}]";
    this.#progress ??= startProgress(this.#total ?? 0, `{done}${bar} {speed}{tokens}{eta}`, texts);
    this.#progress.update(storedBytes, texts);
  }

  [Symbol.dispose](): void {
    this.#progress?.stop();
    this.#progress = undefined;
  }
}
