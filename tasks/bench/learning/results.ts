// What was measured, kept as lines of JSON, so that a bench that was stopped goes on.
import { formatTable } from "../../../lib/accounting/table.ts";
import { writeFileAtomically } from "../../../lib/io/atomic.ts";
import { exists } from "../../../lib/io/exists.ts";
import type { Variant } from "./variants.ts";
import { mean, standardError, welch } from "./statistics.ts";

/** One training. */
export interface LearningResult extends Variant {
  /** "3 minutes" or "800 steps". */
  readonly length: string;
  readonly seed: number;
  /** Of text held out, with the model at the end. */
  readonly bitsPerByte: number;
  /** Of the whole process: start, measuring, training, validations, checkpoints. */
  readonly seconds: number;
  readonly steps: number;
  /** Tokens trained on, repeated ones counted again. */
  readonly tokens: number;
  readonly parameters: number;
  /** PyTorch's version and threads, where it trained. */
  readonly torch?: string;
}

/** The results that a file holds; none if there is none. A last line that was cut short is left out. */
export async function readResults(path: string): Promise<LearningResult[]> {
  if (!await exists(path)) return [];
  const text = await Deno.readTextFile(path);
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  return whole.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as LearningResult);
}

/** Adds a result to a file, or makes it. */
export async function addResult(path: string, result: LearningResult): Promise<void> {
  const lines = [...await readResults(path), result].map((one) => `${JSON.stringify(one)}\n`);
  await writeFileAtomically(path, lines.join(""), { replace: true });
}

/** Whether a result is of these settings. */
export function isOf(result: LearningResult, variant: Variant, length: string): boolean {
  const settings = ({ flags, config, script }: Variant) => JSON.stringify([flags, config ?? {}, script ?? ""]);
  return result.length === length && settings(result) === settings(variant);
}

/** A variant's trainings together. */
export interface VariantSummary {
  readonly name: string;
  readonly n: number;
  readonly mean: number;
  readonly standardError: number;
  /** Against the first variant; absent for it. */
  readonly difference?: number;
  readonly p?: number;
  /** Means. */
  readonly seconds: number;
  readonly steps: number;
  readonly tokens: number;
  readonly parameters: number;
}

/** Summarises the variants that have results, in their order. */
export function summarise(results: readonly (readonly LearningResult[])[]): VariantSummary[] {
  const bits = results.map((group) => group.map(({ bitsPerByte }) => bitsPerByte));
  return results.flatMap((group, i) => {
    if (group.length === 0) return [];
    const meanOf = (key: "seconds" | "steps" | "tokens" | "parameters") => mean(group.map((result) => result[key]));
    return [{
      name: group[0].name,
      n: group.length,
      mean: mean(bits[i]),
      standardError: standardError(bits[i]),
      ...(i > 0 && welch(bits[0], bits[i])),
      seconds: meanOf("seconds"),
      steps: meanOf("steps"),
      tokens: meanOf("tokens"),
      parameters: meanOf("parameters"),
    }];
  });
}

/** The table that a person reads. */
export function formatSummaries(summaries: readonly VariantSummary[]): string {
  const known = (value: number | undefined, format: (value: number) => string) =>
    value === undefined || Number.isNaN(value) ? "" : format(value);
  return formatTable(
    ["variant", "n", "bits/byte", "± se", "difference", "Welch's p", "seconds", "steps", "M tokens", "M params"],
    summaries.map((one) => [
      one.name,
      String(one.n),
      one.mean.toFixed(4),
      known(one.standardError, (value) => value.toFixed(4)),
      known(one.difference, (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(4)}`),
      known(one.p, (value) => value < 1e-3 ? value.toExponential(0) : value.toFixed(3)),
      one.seconds.toFixed(0),
      one.steps.toFixed(0),
      (one.tokens / 1e6).toFixed(2),
      (one.parameters / 1e6).toFixed(2),
    ]),
  );
}
