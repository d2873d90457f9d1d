import { writeFileAtomically } from "../io/atomic.ts";
import { lineOf, type LogEntry } from "./metrics_line.ts";
import { type LogLine, openLogFile, readLogLines } from "./metrics_reader.ts";
import { RUN_FILES } from "./run_entries.ts";

/** Appends to a run's metrics.jsonl, one object per line. Close it, or declare it with `using`. */
export class MetricsLog implements Disposable {
  readonly #file: Deno.FsFile;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /**
   * Opens a run's log.
   * @param step Lines of this step and later ones, whatever they hold, are removed first; so is a line that a killed
   *   process
   *   left half-written.
   * @throws {UserError} If an earlier line is not a log's, or does not follow from the one before it. Nothing changes
   *   then.
   */
  static async open(directory: string, step: number): Promise<MetricsLog> {
    const path = `${directory}/${RUN_FILES.metrics}`;
    await writeFileAtomically(path, await linesBefore(path, step));
    return new MetricsLog(await Deno.open(path, { append: true }));
  }

  /** Writes one line, in a single call if the system allows it, so that readers rarely see half a line. */
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

/** What early stopping adds to the line of its step, as `lineOf` writes it. In a text it would have backslashes. */
const STOPPED_EARLY = ',"stoppedEarly":true';

/** A run that goes on did not stop there. */
function withoutStop({ bytes, entry }: LogLine): Uint8Array<ArrayBuffer> {
  if (!("stoppedEarly" in entry)) return bytes;
  return new TextEncoder().encode(new TextDecoder().decode(bytes).replace(STOPPED_EARLY, ""));
}

/**
 * The lines of a log before a step, as they are, but that none says any more that the run stopped early. What comes after
 * is not checked, because it will be dropped.
 * @throws {UserError} If one of these lines is not a log's, or does not follow from the one before.
 */
async function linesBefore(path: string, step: number): Promise<Uint8Array> {
  const lines: Uint8Array<ArrayBuffer>[] = [];
  for await (const line of stepsBefore(path, step)) lines.push(withoutStop(line));
  return await new Blob(lines).bytes();
}

/** The lines of a log that belong to steps before a given one. */
async function* stepsBefore(path: string, step: number): AsyncGenerator<LogLine, void, void> {
  if (step === 0) return;
  let file: Deno.FsFile;
  try {
    file = await openLogFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return;
  }
  using open = file;
  for await (const line of readLogLines(open, path)) {
    const { entry } = line;
    // A run that continues has not diverged.
    if (entry.step < step && !("diverged" in entry)) yield line;
    if (entry.step >= step - 1) break;
  }
}

/** The most ranges of missing steps that a message names. */
const MAX_NAMED = 6;

/**
 * Looks for steps that were taken but are not in a run's log, because it was removed, cut or edited.
 * @param step How many steps were taken.
 * @returns What is missing, in words; `undefined` if nothing is.
 * @throws {UserError} If a line before `step` is not a log's, or does not follow from the one before it.
 */
export async function missingSteps(directory: string, step: number): Promise<string | undefined> {
  const path = `${directory}/${RUN_FILES.metrics}`;
  const stretches: string[] = [];
  let next = 0;
  const pass = (to: number) => {
    // Named as people count them: from 1.
    if (to > next) stretches.push(to === next + 1 ? `${to}` : `${next + 1} to ${to}`);
    next = to + 1;
  };
  for await (const { entry } of stepsBefore(path, step)) pass(entry.step);
  pass(step);
  if (stretches.length === 0) return undefined;
  const more = stretches.length > MAX_NAMED ? `, and ${stretches.length - MAX_NAMED} more gaps` : "";
  const isOne = stretches.length === 1 && /^\d+$/.test(stretches[0]);
  const named = stretches.slice(0, MAX_NAMED).join(", ");
  return `${path} has no line for ${isOne ? "step" : "steps"} ${named}${more}, so reports will not show ` +
    `${isOne ? "it" : "them"}. Training is not affected`;
}
