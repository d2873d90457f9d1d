import type { LoggedDivergence } from "./metrics_line.ts";
import { type LogLine, openLogFile, readLogLines } from "./metrics_reader.ts";
import { RUN_FILES } from "./run_entries.ts";
import type { StepMetrics } from "../train/train.ts";

/** What a run's metrics.jsonl holds. */
export interface RunLog {
  /** In the order of the steps. */
  readonly metrics: readonly StepMetrics[];
  /** Where the run was given up, if it was. */
  readonly divergence?: LoggedDivergence;
}

const EMPTY: RunLog = { metrics: [] };

/** Reads a run's metrics.jsonl as it grows: each `poll` reads only what was added since the one before. */
export class MetricsFollower {
  readonly #path: string;
  #log: RunLog = EMPTY;
  /** The last line that was read, by which a file that was written anew is told. */
  #last: LogLine | undefined;
  /** The polls so far: they share what was read, so one waits for another. */
  #polls: Promise<unknown> = Promise.resolve();

  /**
   * Nothing is read yet.
   *
   * @param directory The run's; it need not be there yet.
   */
  constructor(directory: string) {
    this.#path = `${directory}/${RUN_FILES.metrics}`;
  }

  /** What was read so far, without a last line that is not whole. It does not change: a poll makes another. */
  get log(): RunLog {
    return this.#log;
  }

  /** The steps of `log`. */
  get metrics(): readonly StepMetrics[] {
    return this.#log.metrics;
  }

  /**
   * Reads what is new. A log that was cut, as a resumed run does, or replaced is read from its beginning.
   * @returns Whether `log` changed.
   * @throws {UserError} If there is no file but something else, or if a whole line is not a log's or does not follow from
   *   the one before; `log` stays.
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
    // Only now, that all of them were found good: a faulty one is found again by the next poll.
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
 * A run's log, without a last line that is not whole; empty if there is none yet.
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
 * The first step of a run's log, whose rest is not looked at; none if there is no whole line yet.
 * @throws {UserError} If the first line is not a log's.
 */
export async function readFirstMetrics(directory: string): Promise<StepMetrics | undefined> {
  const path = `${directory}/${RUN_FILES.metrics}`;
  using file = await openLogFile(path);
  for await (const { entry } of readLogLines(file, path)) return "diverged" in entry ? undefined : entry;
  return undefined;
}
