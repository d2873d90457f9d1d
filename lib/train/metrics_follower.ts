import { UserError } from "../errors.ts";
import { RUN_FILES } from "./run_directory.ts";
import type { StepMetrics } from "./train.ts";

const NEWLINE = "\n".charCodeAt(0);
const CHUNK_BYTES = 1 << 20;

/** Reads a run's metrics.jsonl as it grows: each `poll` reads only what was added since the one before. */
export class MetricsFollower {
  readonly #path: string;
  #metrics: StepMetrics[] = [];
  /** Bytes of whole lines read so far. */
  #offset = 0;
  /** The last of these lines, by which a file that was written anew is told. */
  #lastLine: Uint8Array = new Uint8Array();
  #lastPoll: Promise<boolean> = Promise.resolve(false);

  /** @param directory The run's; it need not be there yet. */
  constructor(directory: string) {
    this.#path = `${directory}/${RUN_FILES.metrics}`;
  }

  /** What was read so far, without a last line that is not whole. */
  get metrics(): readonly StepMetrics[] {
    return this.#metrics;
  }

  /**
   * Reads what is new. A log that was cut, as a resumed run does, or replaced is read from its beginning.
   * @returns Whether `metrics` changed.
   * @throws {UserError} If a whole line is not JSON.
   */
  poll(): Promise<boolean> {
    // One after the other: each goes on where the one before it ended.
    const turn = this.#lastPoll.then(() => this.#poll());
    this.#lastPoll = turn.catch(() => false);
    return turn;
  }

  async #poll(): Promise<boolean> {
    const before = this.#metrics.length;
    let file: Deno.FsFile;
    try {
      file = await Deno.open(this.#path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
      this.#forget();
      return before > 0;
    }
    using open = file;
    const isSame = await this.#holdsLastLine(open);
    if (!isSame) this.#forget();
    await this.#readOn(open);
    return !isSame || this.#metrics.length > before;
  }

  #forget(): void {
    this.#metrics = [];
    this.#offset = 0;
    this.#lastLine = new Uint8Array();
  }

  /** Whether the last line that was read is still where it was. */
  async #holdsLastLine(file: Deno.FsFile): Promise<boolean> {
    const { length } = this.#lastLine;
    await file.seek(this.#offset - length, Deno.SeekMode.Start);
    const found = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const read = await file.read(found.subarray(done));
      if (read === null) return false;
      done += read;
    }
    return found.every((byte, i) => byte === this.#lastLine[i]);
  }

  async #readOn(file: Deno.FsFile): Promise<void> {
    await file.seek(this.#offset, Deno.SeekMode.Start);
    const chunk = new Uint8Array(CHUNK_BYTES);
    let rest: Uint8Array = new Uint8Array();
    for (let read = await file.read(chunk); read !== null; read = await file.read(chunk)) {
      const bytes = new Uint8Array(rest.length + read);
      bytes.set(rest);
      bytes.set(chunk.subarray(0, read), rest.length);
      rest = bytes.subarray(this.#take(bytes));
    }
  }

  /** Takes the whole lines at the beginning of some bytes; returns where the last one ends. */
  #take(bytes: Uint8Array): number {
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end === 0) return 0;
    const lines = new TextDecoder().decode(bytes.subarray(0, end)).split("\n").filter((line) => line !== "");
    // All of them are parsed before any is kept: a faulty one is found again by the next poll.
    const parsed = lines.map((line, i) => this.#parse(line, this.#metrics.length + i + 1));
    for (const metrics of parsed) this.#metrics.push(metrics);
    this.#lastLine = bytes.slice(bytes.subarray(0, end - 1).lastIndexOf(NEWLINE) + 1, end);
    this.#offset += end;
    return end;
  }

  #parse(line: string, lineNumber: number): StepMetrics {
    try {
      return JSON.parse(line) as StepMetrics;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new UserError(
        `Cannot read ${this.#path}: got line ${lineNumber} that is not JSON, must be one object a line. ` +
          `Restore the file`,
      );
    }
  }
}

/** A run's metrics, without a last line that is not whole; none if there is no log yet. */
export async function readMetrics(directory: string): Promise<readonly StepMetrics[]> {
  const follower = new MetricsFollower(directory);
  await follower.poll();
  return follower.metrics;
}
