import { writeFileAtomically } from "../io/atomic.ts";
import { lineOf, type LogEntry } from "./metrics_line.ts";
import { readLogLines } from "./metrics_reader.ts";
import { RUN_FILES } from "./run_entries.ts";

/** Appends to a run's metrics.jsonl, one object a line. Close it, or declare it with `using`. */
export class MetricsLog implements Disposable {
  readonly #file: Deno.FsFile;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /**
   * Opens a run's log.
   * @param step Lines of this step and later ones, whatever they hold, and one that a killed process left half-written, are
   *   removed first.
   * @throws {UserError} If a line before is not a log's, or does not follow from the one before it. Nothing is changed then.
   */
  static async open(directory: string, step: number): Promise<MetricsLog> {
    const path = `${directory}/${RUN_FILES.metrics}`;
    await writeFileAtomically(path, await linesBefore(path, step));
    return new MetricsLog(await Deno.open(path, { append: true }));
  }

  /** Writes one line; in one call where the system allows, so that a reader seldom sees half of it. */
  async append(entry: LogEntry): Promise<void> {
    const line = new TextEncoder().encode(lineOf(entry));
    for (let done = 0; done < line.length;) done += await this.#file.write(line.subarray(done));
  }

  /** Waits until every line is on disk. */
  async sync(): Promise<void> {
    await this.#file.sync();
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/**
 * The lines of a log before a step, just as they stand there. What comes after is not looked at: it is to be dropped.
 * @throws {UserError} If one of these lines is not a log's, or does not follow from the one before.
 */
async function linesBefore(path: string, step: number): Promise<Uint8Array> {
  if (step === 0) return new Uint8Array();
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return new Uint8Array();
  }
  using open = file;
  const lines: Uint8Array<ArrayBuffer>[] = [];
  for await (const { entry, bytes } of readLogLines(open, path)) {
    // A run that goes on has not diverged.
    if (entry.step < step && !("diverged" in entry)) lines.push(bytes);
    if (entry.step >= step - 1) break;
  }
  return await new Blob(lines).bytes();
}
