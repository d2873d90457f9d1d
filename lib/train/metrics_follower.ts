import { type LastLine, type MetricsLine, readMetricsLines } from "./metrics_reader.ts";
import { RUN_FILES } from "./run_directory.ts";
import type { StepMetrics } from "./train.ts";

/** Reads a run's metrics.jsonl as it grows: each `poll` reads only what was added since the one before. */
export class MetricsFollower {
  readonly #path: string;
  #metrics: readonly StepMetrics[] = [];
  /** The last line that was read, by which a file that was written anew is told. */
  #last: LastLine & Pick<MetricsLine, "bytes"> | undefined;
  /** The polls so far: they share what was read, so one waits for another. */
  #polls: Promise<unknown> = Promise.resolve();

  /** @param directory The run's; it need not be there yet. */
  constructor(directory: string) {
    this.#path = `${directory}/${RUN_FILES.metrics}`;
  }

  /** What was read so far, without a last line that is not whole. It does not change: a poll makes another list. */
  get metrics(): readonly StepMetrics[] {
    return this.#metrics;
  }

  /**
   * Reads what is new. A log that was cut, as a resumed run does, or replaced is read from its beginning.
   * @returns Whether `metrics` changed.
   * @throws {UserError} If a whole line is not a step's, or does not follow from the one before; `metrics` stays.
   */
  poll(): Promise<boolean> {
    const poll = this.#polls.then(() => this.#poll());
    this.#polls = poll.catch(() => {
      // Whoever asked for that one is told.
    });
    return poll;
  }

  async #poll(): Promise<boolean> {
    let file: Deno.FsFile;
    try {
      file = await Deno.open(this.#path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
      const hadSome = this.#metrics.length > 0;
      this.#metrics = [];
      this.#last = undefined;
      return hadSome;
    }
    using open = file;
    const isSame = await this.#holdsLastLine(open);
    const before = isSame ? this.#last : undefined;
    const added: StepMetrics[] = [];
    let last = before;
    for await (const line of readMetricsLines(open, this.#path, before)) {
      added.push(line.metrics);
      last = line;
    }
    // Only now, that all of them were found good: a faulty one is found again by the next poll.
    this.#last = last;
    if (isSame && added.length === 0) return false;
    this.#metrics = isSame ? this.#metrics.concat(added) : added;
    return true;
  }

  /** Whether the last line that was read is still where it was. */
  async #holdsLastLine(file: Deno.FsFile): Promise<boolean> {
    if (this.#last === undefined) return true;
    const { bytes, end } = this.#last;
    await file.seek(end - bytes.length, Deno.SeekMode.Start);
    const found = new Uint8Array(bytes.length);
    for (let done = 0; done < found.length;) {
      const read = await file.read(found.subarray(done));
      if (read === null) return false;
      done += read;
    }
    return found.every((byte, i) => byte === bytes[i]);
  }
}

/**
 * A run's metrics, without a last line that is not whole; none if there is no log yet.
 * @throws {UserError} If a whole line is not a step's, or does not follow from the one before.
 */
export async function readMetrics(directory: string): Promise<readonly StepMetrics[]> {
  const follower = new MetricsFollower(directory);
  await follower.poll();
  return follower.metrics;
}

/**
 * The first line of a run's log, whose rest is not looked at; none if there is no whole line yet.
 * @throws {UserError} If it is not a step's.
 */
export async function readFirstMetrics(directory: string): Promise<StepMetrics | undefined> {
  const path = `${directory}/${RUN_FILES.metrics}`;
  using file = await Deno.open(path);
  for await (const { metrics } of readMetricsLines(file, path)) return metrics;
  return undefined;
}
