// Reads metrics.jsonl line by line, checking each line by itself and against the one before.
import { UserError } from "../errors.ts";
import type { JsonSource } from "../io/json_fields.ts";
import { type LogEntry, MAX_LINE_BYTES, parseLine } from "./metrics_line.ts";

const NEWLINE = "\n".charCodeAt(0);

/**
 * Opens a log for reading.
 * @throws {UserError} If it is not a file: reading from a pipe, for example, could wait for ever.
 * @throws {Deno.errors.NotFound} If nothing is there.
 */
export async function openLogFile(path: string): Promise<Deno.FsFile> {
  const { isFile, isDirectory } = await Deno.stat(path);
  if (isFile) return await Deno.open(path);
  const got = isDirectory ? "a directory" : "a pipe or a device";
  throw new UserError(
    `Cannot read ${path}: got ${got}, must be a file. Restore the run's log, or move that out of the way`,
  );
}

/** A line, and its place in the file. */
export interface LogLine {
  readonly entry: LogEntry;
  /** With its newline. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where the line ends in the file. */
  readonly end: number;
  /** Counted from 1; empty lines count. */
  readonly number: number;
}

/**
 * Reads the complete lines of a log; a last line without a newline is still being written. Steps must increase from
 * line to line: a repeated step belongs to another run, or to a second process that writes this one. After a divergence
 * nothing may follow.
 *
 * A line is checked when it is read: those after it may hold anything.
 *
 * @param last Continue after this line; without it, start at the beginning.
 * @throws {UserError} If a line is too long, or not a log's, or does not follow from the one before.
 */
export async function* readLogLines(
  file: Deno.FsFile,
  path: string,
  last?: Omit<LogLine, "bytes">,
): AsyncGenerator<LogLine, void, void> {
  let { entry: before, end, number } = last ?? { entry: undefined, end: 0, number: 0 };
  await file.seek(end, Deno.SeekMode.Start);
  for await (const bytes of wholeLines(file, () => sourceOf(path, number + 1))) {
    end += bytes.length;
    number++;
    if (bytes.length === 1) continue;
    const source = sourceOf(path, number);
    const entry = parseLine(bytes, source);
    if (before) requireFollows(entry, before, source);
    yield { entry, bytes, end, number };
    before = entry;
  }
}

function requireFollows(entry: LogEntry, before: LogEntry, { name, nextStep }: JsonSource): void {
  if ("diverged" in before) {
    throw new UserError(
      `Cannot read ${name}: got a line after the one that records a divergence, must be the last. ${nextStep}`,
    );
  }
  // A validation may find that the last step's weights have diverged.
  if (entry.step > before.step || ("diverged" in entry && entry.step === before.step)) return;
  throw new UserError(
    `Cannot read ${name}: got "step":${entry.step} after "step":${before.step}, must be a later one. ${nextStep}`,
  );
}

/** Cuts a file into complete lines; each keeps its newline. */
async function* wholeLines(
  file: Deno.FsFile,
  source: () => JsonSource,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  const requireShort = (length: number) => {
    if (length <= MAX_LINE_BYTES) return;
    const { name, nextStep } = source();
    throw new UserError(
      `Cannot read ${name}: got a line of more than ${MAX_LINE_BYTES} bytes, must be a step's. ${nextStep}`,
    );
  };
  const buffer = new Uint8Array(2 * MAX_LINE_BYTES);
  let held = 0;
  for (let read = await file.read(buffer); read !== null; read = await file.read(buffer.subarray(held))) {
    const filled = buffer.subarray(0, held + read);
    let start = 0;
    for (let at = filled.indexOf(NEWLINE, held); at >= 0; at = filled.indexOf(NEWLINE, start)) {
      requireShort(at + 1 - start);
      yield filled.slice(start, at + 1);
      start = at + 1;
    }
    held = filled.length - start;
    // This way there is always room for the next read.
    requireShort(held);
    buffer.copyWithin(0, start, filled.length);
  }
}

function sourceOf(path: string, line: number): JsonSource {
  return { name: `${path}, line ${line}`, nextStep: "Restore the file, or remove that line" };
}
