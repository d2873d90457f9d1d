import type { StepMetrics } from "../train/train.ts";
import { sweepAxes, type SweepAxis } from "./report_axes.ts";
import { bitsPerByteFactor, haveDifferentTokenizers, type ReportRun } from "./report_run.ts";

/** Points of one line. If there are more than a screen can show, neighbours are averaged. */
export interface PlotPoints {
  /** Steps taken: counted from 1. */
  readonly step: readonly number[];
  /** Time spent on the run. */
  readonly seconds: readonly number[];
  /** The field's value there. */
  readonly value: readonly number[];
}

const MAX_POINTS = 4000;

/** The name of a number that is drawn: one in {@linkcode StepMetrics}, or the validation loss in bits per byte. */
export type PlotField =
  | "loss"
  | "validLoss"
  | "averageValidLoss"
  | "bitsPerByte"
  | "lr"
  | "gradNorm"
  | "tokensPerSecond";

const FIELDS: readonly PlotField[] = [
  "loss",
  "validLoss",
  "averageValidLoss",
  "bitsPerByte",
  "lr",
  "gradNorm",
  "tokensPerSecond",
];

/** One line of each run in a plot. */
export interface PlotLine {
  /** What it shows. */
  readonly field: PlotField;
  /** In words. */
  readonly label: string;
  /** Whether it is of the validation, which is measured now and then: drawn with dashes. */
  readonly validation?: boolean;
  /** Whether it is noisy: its mean over some steps is drawn, with its own values behind. */
  readonly noisy?: boolean;
}

/** One plot: its axes, and one or two lines for each run. */
export interface Plot {
  /** The title above the plot; the labels of its lines come before it if there may be several. */
  readonly title: string;
  /** The x coordinate. */
  readonly x: "step" | "seconds";
  /** The label below the plot. */
  readonly xLabel: string;
  /** The label beside the plot. */
  readonly yLabel: string;
  /** The lines of each run, in order. */
  readonly lines: readonly PlotLine[];
}

const LOSS: PlotLine = { field: "loss", label: "training", noisy: true };
const VALIDATION: PlotLine = { field: "validLoss", label: "validation", validation: true };

const BITS_PER_BYTE: Plot = {
  title: "Validation loss in bits per byte",
  x: "step",
  xLabel: "step",
  yLabel: "bits per byte",
  lines: [{ field: "bitsPerByte", label: "validation", validation: true }],
};

/** Drawn where a run averages its weights. */
const AVERAGE: Plot = {
  title: "validation loss by step",
  x: "step",
  xLabel: "step",
  yLabel: "nats per token",
  lines: [
    { field: "validLoss", label: "weights", validation: true },
    { field: "averageValidLoss", label: "average", validation: true },
  ],
};

/** What is drawn, in order. */
const PLOTS: readonly Plot[] = [
  lossBy("step"),
  lossBy("seconds"),
  byStep("Learning rate", "lr", "learning rate", false),
  byStep("Gradient norm before clipping", "gradNorm", "norm", true),
  byStep("Throughput", "tokensPerSecond", "tokens per second", true),
];

/** The plots of a report, and the points of its runs, by field. */
export interface RunPlots {
  /** What is drawn, in order. */
  readonly plots: readonly Plot[];
  /** Each run's points by field. */
  readonly runs: readonly { readonly name: string; readonly points: Readonly<Record<PlotField, PlotPoints>> }[];
  /** The settings that a sweep varies; each has a plot of its own. */
  readonly axes: readonly SweepAxis[];
}

/** The plots of several runs, as the page draws them. */
export function reportPlots(runs: readonly ReportRun[]): RunPlots {
  const isAveraged = runs.some(({ metrics }) => metrics.some((line) => line.averageValidLoss !== undefined));
  const plots = isAveraged ? [...PLOTS, AVERAGE] : PLOTS;
  return {
    plots: haveDifferentTokenizers(runs) ? [BITS_PER_BYTE, ...plots] : plots,
    runs: runs.map((run) => {
      const factor = bitsPerByteFactor(run);
      const valueOf = (line: StepMetrics, field: PlotField) =>
        field !== "bitsPerByte"
          ? line[field]
          : factor === undefined || line.validLoss === undefined
          ? undefined
          : factor * line.validLoss;
      const points = Object.fromEntries(FIELDS.map((field) => [field, pointsOf(run.metrics, field, valueOf)]));
      return { name: run.name, points: points as Record<PlotField, PlotPoints> };
    }),
    axes: sweepAxes(runs),
  };
}

/** The values of a field by step and by time, without those that are not finite. */
function pointsOf(
  metrics: readonly StepMetrics[],
  field: PlotField,
  valueOf: (line: StepMetrics, field: PlotField) => number | undefined,
): PlotPoints {
  const known = metrics.filter((line) => Number.isFinite(valueOf(line, field)));
  const bucket = Math.ceil(known.length / MAX_POINTS);
  const [step, seconds, value]: number[][] = [[], [], []];
  for (let at = 0; at < known.length; at += bucket) {
    const lines = known.slice(at, at + bucket);
    const last = lines[lines.length - 1];
    // Steps that were read back together have the same time, but uPlot needs distinct x values, far enough apart for
    // ticks.
    const time = Math.max(last.seconds, (seconds.at(-1) ?? -1) * (1 + 1e-9) + 1e-6);
    step.push(last.step + 1);
    seconds.push(time);
    value.push(lines.reduce((sum, line) => sum + valueOf(line, field)!, 0) / lines.length);
  }
  return { step, seconds, value };
}

function lossBy(x: Plot["x"]): Plot {
  const along = x === "step" ? x : "time";
  return { title: `loss by ${along}`, x, xLabel: along, yLabel: "nats per token", lines: [LOSS, VALIDATION] };
}

function byStep(title: string, field: PlotField, yLabel: string, noisy: boolean): Plot {
  return { title: `${title} by step`, x: "step", xLabel: "step", yLabel, lines: [{ field, label: yLabel, noisy }] };
}
