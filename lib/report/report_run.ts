import type { StepMetrics } from "../train/train.ts";

/** One run of a report. */
export interface ReportRun {
  /** Its name, unique within the report. */
  readonly name: string;
  /** In the order of the steps. */
  readonly metrics: readonly StepMetrics[];
  /** What came of it: rows of a table. Several runs have a table of their own for that, made of their metrics. */
  readonly results?: Readonly<Record<string, string>>;
  /** Other facts about the run: rows of a table. */
  readonly facts: Readonly<Record<string, string>>;
  /** The names of the facts that a reader looks for first; the others are folded away. Default: all. */
  readonly mainFacts?: readonly string[];
  /** The state of the run, in one line. */
  readonly summary?: string;
  /** How it stands, in a few words: `finished`, `diverged at step 40`, `stopped`. */
  readonly status?: string;
  /** What else its readers must know: why it diverged, or why it cannot be read. */
  readonly remarks?: readonly string[];
  /** Steps that it takes if it is not stopped. */
  readonly totalSteps?: number;
  /** The values of the settings that a sweep varies, by name. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Identifies its tokenizer, if that is known: losses per token compare only where it is the same. */
  readonly tokenizer?: string;
  /** Mean bytes of text in a token of its validation data, if that is known. */
  readonly bytesPerToken?: number;
}

/** A run's validation losses in bits per byte are its losses in nats per token times this; `undefined` if unknown. */
export function bitsPerByteFactor({ bytesPerToken }: ReportRun): number | undefined {
  return bytesPerToken === undefined ? undefined : 1 / (Math.LN2 * bytesPerToken);
}

/** Whether the runs are known to have different tokenizers. */
export function haveDifferentTokenizers(runs: readonly ReportRun[]): boolean {
  return new Set(runs.flatMap(({ tokenizer }) => tokenizer === undefined ? [] : [tokenizer])).size > 1;
}
