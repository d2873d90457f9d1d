import livePage from "./report_live.js" with { type: "text" };
import page from "./report_page.js" with { type: "text" };
import style from "./report_page.css" with { type: "text" };
import { reportPlots, type RunPlots } from "./report_plots.ts";
import { distinguishingNames } from "./run_names.ts";
import type { StepMetrics } from "./train.ts";

/** A run in a report. */
export interface ReportRun {
  readonly name: string;
  readonly metrics: readonly StepMetrics[];
  /** What else is to be known of the run: rows of a table. */
  readonly facts: Readonly<Record<string, string>>;
  /** How the run stands, in one line. */
  readonly summary?: string;
}

/** The text of uPlot's script and style sheet, which the page carries with it. */
export interface PlotLibrary {
  readonly script: string;
  readonly style: string;
}

/** What a page shows: the plots' data, and HTML for what is under these names in the page. */
export interface ReportContent {
  readonly plots: RunPlots;
  readonly sections: Readonly<Record<"summary" | "samples" | "facts", string>>;
}

/** A page that asks a server for its content again and again. */
export interface LiveReport {
  /** Where the content is; `?seen=` and the version that the page has are added. */
  readonly url: string;
  /** Of the content that the page begins with. */
  readonly version: string;
}

/** More samples than this of one run are thinned out, evenly. */
const MAX_SAMPLES = 100;

/** One HTML page, complete in itself, that shows one run or lays several over each other. */
export function reportHtml(runs: readonly ReportRun[], library: PlotLibrary, live?: LiveReport): string {
  const { plots, sections } = reportContent(runs);
  const title = escapeHtml(runs.map(({ name }) => name).join(", "));
  const section = (name: keyof typeof sections) => `<div id="${name}">${sections[name]}</div>`;
  const json = (id: string, value: unknown) =>
    `<script type="application/json" id="${id}">${JSON.stringify(value).replaceAll("<", "\\u003c")}</script>`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>
${library.style}
${style}</style>
</head>
<body>
<h1>${title}</h1>
${section("summary")}
${live ? '<p id="status"></p>\n' : ""}<main>
<div id="plots"></div>
${section("samples")}
</main>
${section("facts")}
${json("data", plots)}
<script>${library.script}</script>
<script>${page}</script>
${live ? `${json("live", live)}\n<script>${livePage}</script>\n` : ""}</body>
</html>
`;
}

/** What a report of some runs shows now. */
export function reportContent(named: readonly ReportRun[]): ReportContent {
  const names = distinguishingNames(named.map(({ name }) => name));
  const runs = named.map((run, i) => ({ ...run, name: names[i] }));
  return {
    plots: reportPlots(runs),
    sections: { summary: summaries(runs), samples: samples(runs), facts: factsTable(runs) },
  };
}

/** A line for each run that says how it stands. */
function summaries(runs: readonly ReportRun[]): string {
  return runs.filter(({ summary }) => summary !== undefined).map(({ name, summary }) =>
    `<p>${runs.length > 1 ? `<b>${escapeHtml(name)}</b>: ` : ""}${escapeHtml(summary!)}</p>`
  ).join("\n");
}

/** The texts that models made in training, the newest first. */
function samples(runs: readonly ReportRun[]): string {
  const parts = runs.map(({ name, metrics }) => {
    const all = metrics.filter(({ sample }) => sample !== undefined).reverse();
    if (all.length === 0) return "";
    const kept = all.length <= MAX_SAMPLES ? all : Array.from(
      { length: MAX_SAMPLES },
      (_, i) => all[Math.round(i * (all.length - 1) / (MAX_SAMPLES - 1))],
    );
    const figures = kept.map(({ step, loss, sample }) =>
      `<figure><figcaption>after step ${step + 1}, loss ${loss.toFixed(3)}</figcaption>` +
      `<pre>${escapeHtml(sample!)}</pre></figure>`
    );
    const heading = runs.length > 1 ? `Samples of ${escapeHtml(name)}` : "Samples";
    return `<h2>${heading}</h2>\n${figures.join("\n")}`;
  });
  return parts.filter((part) => part !== "").join("\n");
}

/** A row for each fact, a column for each run; what differs between runs is marked. */
function factsTable(runs: readonly ReportRun[]): string {
  const names = [...new Set(runs.flatMap(({ facts }) => Object.keys(facts)))];
  if (names.length === 0) return "";
  const row = (tag: string, cells: readonly string[], attributes = "") =>
    `<tr${attributes}>${
      cells.map((cell, i) => i === 0 ? `<th>${escapeHtml(cell)}</th>` : `<${tag}>${escapeHtml(cell)}</${tag}>`).join("")
    }</tr>`;
  const rows = names.map((name) => {
    const values = runs.map(({ facts }) => facts[name] ?? "–");
    return row("td", [name, ...values], new Set(values).size > 1 ? ' class="differs"' : "");
  });
  const head = runs.length > 1 ? `${row("th", ["", ...runs.map(({ name }) => name)])}\n` : "";
  return `<h2>Configuration</h2>\n<table>\n${head}${rows.join("\n")}\n</table>`;
}

function escapeHtml(text: string): string {
  const names: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replace(/[&<>"]/g, (character) => names[character]);
}
