// What is shown while a run is in progress.
import { formatShare } from "../../lib/accounting/units.ts";
import { RemainingTime } from "../../lib/run/remaining_time.ts";
import type { RunConfig } from "../../lib/run/run_directory.ts";
import { seqLenOf } from "../../lib/train/config.ts";
import type { StepMetrics } from "../../lib/train/train.ts";
import { formatSeconds, NO_PROGRESS, startProgress } from "../cli/progress.ts";

/** A run's first and last steps, and its throughput. */
export interface Followed {
  readonly first: StepMetrics;
  readonly last: StepMetrics;
  readonly tokensPerSecond: number;
}

/** What is shown of a step; the most important first. */
const PARTS = [
  "step {value}/{steps}",
  "loss {loss}",
  "valid {valid}",
  "average {average}",
  "{speed} tokens/s",
  "{left} left",
  "lr {lr}",
  "norm {norm}",
  "{mfu} MFU",
  "{memory}",
];

const NOTHING_YET = {
  steps: "",
  loss: "",
  valid: "",
  average: "",
  lr: "",
  norm: "",
  speed: "",
  mfu: "",
  memory: "",
  left: "",
};

/**
 * Shows every step. Nothing comes back if no step was taken.
 * @param machine The share of the device's peak that a throughput is, and the memory in use.
 * @param signal Stops the steps: says that this was heard, since a step or a validation may take long.
 * @param quiet Whether nothing is to be seen all the same.
 * @param length How many steps the run is to have, as it stands.
 */
export async function followSteps(
  steps: AsyncIterable<StepMetrics>,
  { model, training }: RunConfig,
  machine: { readonly mfu: (tokensPerSecond: number) => number; readonly memory: () => string },
  signal?: AbortSignal,
  quiet = false,
  length = () => training.steps,
): Promise<Followed | undefined> {
  const tokensPerStep = training.batchSize * training.gradAccumulation * seqLenOf(model, training);
  const progress = quiet ? NO_PROGRESS : startProgress(training.steps, PARTS, NOTHING_YET);
  const remaining = new RemainingTime(tokensPerStep);
  let first: StepMetrics | undefined;
  let last: StepMetrics | undefined;
  let valid = "";
  let average = "";
  let secondsPerToken = 0;
  const onStop = () =>
    progress.note(
      "Stopping after the current step or validation, then saving; press Ctrl-C again to quit at once without saving",
    );
  signal?.addEventListener("abort", onStop);
  try {
    for await (const metrics of steps) {
      first ??= metrics;
      last = metrics;
      secondsPerToken += 1 / metrics.tokensPerSecond;
      valid = metrics.validLoss?.toFixed(3) ?? valid;
      average = metrics.averageValidLoss?.toFixed(3) ?? average;
      progress.update(metrics.step + 1, {
        steps: String(length()),
        loss: metrics.loss.toFixed(3),
        valid,
        average,
        lr: metrics.lr.toExponential(1),
        norm: metrics.gradNorm.toFixed(2),
        speed: metrics.tokensPerSecond.toLocaleString("en-US"),
        mfu: formatShare(machine.mfu(metrics.tokensPerSecond)),
        memory: machine.memory(),
        left: formatSeconds(remaining.after(metrics, length())),
      });
      if (metrics.sample !== undefined) {
        progress.note(`--- sample after step ${metrics.step + 1}\n${metrics.sample}\n---`);
      }
    }
  } finally {
    signal?.removeEventListener("abort", onStop);
    progress.stop();
  }
  if (first === undefined || last === undefined) return undefined;
  return { first, last, tokensPerSecond: (last.step - first.step + 1) / secondsPerToken };
}
