import page from "./report_page.js" with { type: "text" };
import type { StepMetrics } from "./train.ts";

/** A run in a report. */
export interface ReportRun {
  readonly name: string;
  readonly metrics: readonly StepMetrics[];
  /** What else is to be known of the run: rows of a table. */
  readonly facts: Readonly<Record<string, string>>;
}

/** The text of uPlot's script and style sheet, which the page carries with it. */
export interface PlotLibrary {
  readonly script: string;
  readonly style: string;
}

/** Points of one line; more than a screen can show are replaced by means of neighbours. */
interface Points {
  readonly step: readonly number[];
  readonly seconds: readonly number[];
  readonly value: readonly number[];
}

const MAX_POINTS = 4000;

const FIELDS = ["loss", "validLoss", "lr", "gradNorm", "tokensPerSecond"] as const;

/** What is drawn, in order. */
const PLOTS = [
  ...[["step", "step"], ["seconds", "seconds"]].map(([x, xLabel]) => ({
    title: `Loss by ${xLabel}`,
    x,
    xLabel,
    yLabel: "nats per token",
    lines: [{ field: "loss", label: "training" }, { field: "validLoss", label: "validation", dashed: true }],
  })),
  ...[
    ["Learning rate", "lr", "learning rate"],
    ["Gradient norm before clipping", "gradNorm", "norm"],
    ["Throughput", "tokensPerSecond", "tokens per second"],
  ].map(([title, field, label]) => ({
    title,
    x: "step",
    xLabel: "step",
    yLabel: label,
    lines: [{ field, label }],
  })),
];

/** One HTML page, complete in itself, that shows one run or lays several over each other. */
export function reportHtml(runs: readonly ReportRun[], plots: PlotLibrary): string {
  const data = {
    plots: PLOTS,
    runs: runs.map(({ name, metrics }) => ({
      name,
      points: Object.fromEntries(FIELDS.map((field) => [field, pointsOf(metrics, field)])),
    })),
  };
  const title = escapeHtml(runs.map(({ name }) => name).join(", "));
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
${plots.style}
body { font-family: system-ui, sans-serif; margin: 1rem auto; max-width: 960px; padding: 0 1rem; }
table { border-collapse: collapse; margin-top: 2rem; }
th, td { border-bottom: 1px solid #ccc; padding: 0.2rem 0.8rem; text-align: left; vertical-align: top; }
.u-legend { font-size: 0.85rem; }
</style>
</head>
<body>
<h1>${title}</h1>
<div id="plots"></div>
${factsTable(runs)}
<script type="application/json" id="data">${JSON.stringify(data).replaceAll("<", "\\u003c")}</script>
<script>${plots.script}</script>
<script>${page}</script>
</body>
</html>
`;
}

/** The values of a field by step and by time, those that are not finite left out. */
function pointsOf(metrics: readonly StepMetrics[], field: typeof FIELDS[number]): Points {
  const known = metrics.filter((line) => Number.isFinite(line[field]));
  const bucket = Math.ceil(known.length / MAX_POINTS);
  const [step, seconds, value]: number[][] = [[], [], []];
  for (let at = 0; at < known.length; at += bucket) {
    const lines = known.slice(at, at + bucket);
    const last = lines[lines.length - 1];
    // Several steps that were read back together have one time; uPlot wants each x once.
    const time = Math.max(last.seconds, (seconds.at(-1) ?? -1) + 1e-6);
    step.push(last.step);
    seconds.push(time);
    value.push(lines.reduce((sum, line) => sum + line[field]!, 0) / lines.length);
  }
  return { step, seconds, value };
}

/** A row for each fact, a column for each run. */
function factsTable(runs: readonly ReportRun[]): string {
  const names = [...new Set(runs.flatMap(({ facts }) => Object.keys(facts)))];
  const row = (tag: string, cells: readonly string[]) =>
    `<tr>${
      cells.map((cell, i) => i === 0 ? `<th>${escapeHtml(cell)}</th>` : `<${tag}>${escapeHtml(cell)}</${tag}>`).join("")
    }</tr>`;
  const rows = names.map((name) => row("td", [name, ...runs.map(({ facts }) => facts[name] ?? "–")]));
  return `<table>\n${row("th", ["", ...runs.map(({ name }) => name)])}\n${rows.join("\n")}\n</table>`;
}

function escapeHtml(text: string): string {
  const names: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replace(/[&<>"]/g, (character) => names[character]);
}
