// The lines of metrics.jsonl one after another, each checked by itself and against the one before.
import { UserError } from "../errors.ts";
import type { JsonSource } from "../io/json_fields.ts";
import { MAX_LINE_BYTES, parseMetricsLine } from "./metrics_line.ts";
import type { StepMetrics } from "./train.ts";

const NEWLINE = "\n".charCodeAt(0);

/** A step that was read, and where its line stands. */
export interface MetricsLine {
  readonly metrics: StepMetrics;
  /** With its end. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** In the file: where the line ends. */
  readonly end: number;
  /** Counted from 1; empty lines count. */
  readonly number: number;
}

/** Where reading begins: after this line, or at the beginning of the file. */
export type LastLine = Pick<MetricsLine, "end" | "number"> & { readonly metrics: Pick<StepMetrics, "step"> };

/**
 * Reads the whole lines of a log; a last one without an end is still being written. Steps go up from line to line: a step
 * that comes again is of another run, or of a second process that writes this one.
 *
 * A line is checked when it is asked for: those after it may hold anything.
 *
 * @param file Is read from after `last`; no two readers at a time.
 * @throws {UserError} If a line is too long, or not a step's, or its step is not after the one before.
 */
export async function* readMetricsLines(
  file: Deno.FsFile,
  path: string,
  last?: LastLine,
): AsyncGenerator<MetricsLine, void, void> {
  let { end, number } = last ?? { end: 0, number: 0 };
  let step = last?.metrics.step ?? -1;
  await file.seek(end, Deno.SeekMode.Start);
  for await (const bytes of wholeLines(file, () => sourceOf(path, number + 1))) {
    end += bytes.length;
    number++;
    if (bytes.length === 1) continue;
    const source = sourceOf(path, number);
    const metrics = parseMetricsLine(bytes, source);
    if (metrics.step <= step) {
      throw new UserError(
        `Cannot read ${source.name}: got step ${metrics.step} after step ${step}, must be a later one. ${source.nextStep}`,
      );
    }
    step = metrics.step;
    yield { metrics, bytes, end, number };
  }
}

/** Cuts a file into its whole lines; each keeps its end. */
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
    // So there is always room for the next read.
    requireShort(held);
    buffer.copyWithin(0, start, filled.length);
  }
}

function sourceOf(path: string, line: number): JsonSource {
  return { name: `${path}, line ${line}`, nextStep: "Restore the file, or remove that line" };
}
