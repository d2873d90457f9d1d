import type { LoggedDivergence } from "./metrics_line.ts";
import { type LogLine, openLogFile, readLogLines } from "./metrics_reader.ts";
import { RUN_FILES } from "./run_entries.ts";
import type { StepMetrics } from "../train/train.ts";

/** What a run's metrics.jsonl holds. */
export interface RunLog {
  /** In the order of the steps. */
  readonly metrics: readonly StepMetrics[];
  /** Where training stopped because it diverged, if it did. */
  readonly divergence?: LoggedDivergence;
}

const EMPTY: RunLog = { metrics: [] };

/** Reads a run's metrics.jsonl as it grows: each `poll` reads only what was added since the last. */
export class MetricsFollower {
  readonly #path: string;
  #log: RunLog = EMPTY;
  /** The last line that was read: it shows whether the file was rewritten. */
  #last: LogLine | undefined;
  /** The polls so far. They share what was read, so each waits for the one before. */
  #polls: Promise<unknown> = Promise.resolve();

  /**
   * Reads nothing yet.
   *
   * @param directory The run's directory; it need not exist yet.
   */
  constructor(directory: string) {
    this.#path = `${directory}/${RUN_FILES.metrics}`;
  }

  /** What has been read, without an incomplete last line. It does not change: each poll makes a new one. */
  get log(): RunLog {
    return this.#log;
  }

  /** The steps of `log`. */
  get metrics(): readonly StepMetrics[] {
    return this.#log.metrics;
  }

  /**
   * Reads what is new. If the log was cut short (as a resumed run does) or replaced, it is read from the beginning.
   * @returns Whether `log` changed.
   * @throws {UserError} If there is something other than a file, or if a complete line is not a log's or does not
   *   follow
   *   from the one before; `log` stays as it was.
   */
  poll(): Promise<boolean> {
    const poll = this.#polls.then(() => this.#poll());
    this.#polls = poll.catch(() => {
      // Its caller gets the error.
    });
    return poll;
  }

  async #poll(): Promise<boolean> {
    let file: Deno.FsFile;
    try {
      file = await openLogFile(this.#path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
      const hadSome = this.#last !== undefined;
      this.#log = EMPTY;
      this.#last = undefined;
      return hadSome;
    }
    using open = file;
    const isSame = await this.#holdsLastLine(open);
    const before = isSame ? this.#last : undefined;
    let last = before;
    let { divergence } = isSame ? this.#log : EMPTY;
    const added: StepMetrics[] = [];
    for await (const line of readLogLines(open, this.#path, before)) {
      last = line;
      if ("diverged" in line.entry) divergence = line.entry;
      else added.push(line.entry);
    }
    if (isSame && last === before) return false;
    // Only now that all of them are known to be good: the next poll finds a faulty one again.
    this.#last = last;
    const metrics = isSame ? this.#log.metrics.concat(added) : added;
    this.#log = { metrics, ...(divergence && { divergence }) };
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
 * A run's log, without an incomplete last line; empty if there is no log yet.
 * @throws {UserError} If a whole line is not a log's, or does not follow from the one before.
 */
export async function readLog(directory: string): Promise<RunLog> {
  const follower = new MetricsFollower(directory);
  await follower.poll();
  return follower.log;
}

/**
 * The steps of a run's log; see {@linkcode readLog}.
 * @throws {UserError} If a whole line is not a log's, or does not follow from the one before.
 */
export async function readMetrics(directory: string): Promise<readonly StepMetrics[]> {
  return (await readLog(directory)).metrics;
}

/**
 * The first step of a run's log, without reading the rest; `undefined` if there is no complete line yet.
 * @throws {UserError} If the first line is not a log's.
 */
export async function readFirstMetrics(directory: string): Promise<StepMetrics | undefined> {
  const path = `${directory}/${RUN_FILES.metrics}`;
  using file = await openLogFile(path);
  for await (const { entry } of readLogLines(file, path)) return "diverged" in entry ? undefined : entry;
  return undefined;
}
