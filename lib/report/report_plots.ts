import type { StepMetrics } from "../train/train.ts";

/** Points of one line. If there are more than a screen can show, neighbours are averaged. */
export interface PlotPoints {
  /** Counted from 0. */
  readonly step: readonly number[];
  /** Time spent on the run. */
  readonly seconds: readonly number[];
  /** The field's value there. */
  readonly value: readonly number[];
}

const MAX_POINTS = 4000;

/** The name of a number in {@linkcode StepMetrics} that is drawn. */
export type PlotField = "loss" | "validLoss" | "lr" | "gradNorm" | "tokensPerSecond";

const FIELDS: readonly PlotField[] = ["loss", "validLoss", "lr", "gradNorm", "tokensPerSecond"];

/** One plot: its axes, and one or two lines for each run. */
export interface Plot {
  /** The title above the plot. */
  readonly title: string;
  /** The x coordinate. */
  readonly x: "step" | "seconds";
  /** The label below the plot. */
  readonly xLabel: string;
  /** The label beside the plot. */
  readonly yLabel: string;
  /** The lines of each run, in order. */
  readonly lines: readonly { readonly field: PlotField; readonly label: string; readonly dashed?: boolean }[];
}

/** What is drawn, in order. */
const PLOTS: readonly Plot[] = [
  lossBy("step"),
  lossBy("seconds"),
  byStep("Learning rate", "lr", "learning rate"),
  byStep("Gradient norm before clipping", "gradNorm", "norm"),
  byStep("Throughput", "tokensPerSecond", "tokens per second"),
];

/** The plots of a report, and the points of its runs, by field. */
export interface RunPlots {
  /** What is drawn, in order. */
  readonly plots: readonly Plot[];
  /** Each run's points by field. */
  readonly runs: readonly { readonly name: string; readonly points: Readonly<Record<PlotField, PlotPoints>> }[];
}

/** The plots of several runs, as the page draws them. */
export function reportPlots(
  runs: readonly { readonly name: string; readonly metrics: readonly StepMetrics[] }[],
): RunPlots {
  return {
    plots: PLOTS,
    runs: runs.map(({ name, metrics }) => {
      const points = Object.fromEntries(FIELDS.map((field) => [field, pointsOf(metrics, field)]));
      return { name, points: points as Record<PlotField, PlotPoints> };
    }),
  };
}

/** The values of a field by step and by time, without those that are not finite. */
function pointsOf(metrics: readonly StepMetrics[], field: PlotField): PlotPoints {
  const known = metrics.filter((line) => Number.isFinite(line[field]));
  const bucket = Math.ceil(known.length / MAX_POINTS);
  const [step, seconds, value]: number[][] = [[], [], []];
  for (let at = 0; at < known.length; at += bucket) {
    const lines = known.slice(at, at + bucket);
    const last = lines[lines.length - 1];
    // Steps that were read back together have the same time, but uPlot needs distinct x values, far enough apart for
    // ticks.
    const time = Math.max(last.seconds, (seconds.at(-1) ?? -1) * (1 + 1e-9) + 1e-6);
    step.push(last.step);
    seconds.push(time);
    value.push(lines.reduce((sum, line) => sum + line[field]!, 0) / lines.length);
  }
  return { step, seconds, value };
}

function lossBy(x: Plot["x"]): Plot {
  const along = x === "step" ? x : "time";
  return {
    title: `Loss by ${along}`,
    x,
    xLabel: along,
    yLabel: "nats per token",
    lines: [{ field: "loss", label: "training" }, { field: "validLoss", label: "validation", dashed: true }],
  };
}

function byStep(title: string, field: PlotField, label: string): Plot {
  return { title, x: "step", xLabel: "step", yLabel: label, lines: [{ field, label }] };
}
