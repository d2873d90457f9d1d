import { type Html, inlineScript, inlineStyle, jsonScript, markup } from "../io/markup.ts";
import livePage from "./report_live.js" with { type: "text" };
import page from "./report_page.js" with { type: "text" };
import style from "./report_page.css" with { type: "text" };
import { contentPolicy } from "./report_policy.ts";
import { reportPlots, type RunPlots } from "./report_plots.ts";
import { distinguishingNames } from "../run/run_names.ts";
import type { StepMetrics } from "../train/train.ts";

/** One run of a report. */
export interface ReportRun {
  /** Its name, unique within the report. */
  readonly name: string;
  /** In the order of the steps. */
  readonly metrics: readonly StepMetrics[];
  /** Other facts about the run: rows of a table. */
  readonly facts: Readonly<Record<string, string>>;
  /** The state of the run, in one line. */
  readonly summary?: string;
}

/** The text of uPlot's script and style sheet, which the page includes. */
export interface PlotLibrary {
  /** `uPlot.iife.min.js`. */
  readonly script: string;
  /** `uPlot.min.css`. */
  readonly style: string;
}

/** The contents of a page: the plots' data, and HTML for its named places. */
export interface ReportContent {
  /** What the page's script draws. */
  readonly plots: RunPlots;
  /** HTML, by the id of its place in the page. */
  readonly sections: Readonly<Record<"summary" | "samples" | "facts", Html>>;
}

/** Options for a page that keeps asking a server for its content. */
export interface LiveReport {
  /** The address of the content; `?seen=` and the page's version are added. */
  readonly url: string;
  /** The version of the content that the page begins with. */
  readonly version: string;
}

/** If a run has more samples than this, they are thinned out evenly. */
const MAX_SAMPLES = 100;

/** One self-contained HTML page that shows one run, or several in the same plots. */
export function reportHtml(runs: readonly ReportRun[], library: PlotLibrary, live?: LiveReport): string {
  const { plots, sections } = reportContent(runs);
  const title = runs.map(({ name }) => name).join(", ");
  const scripts = [library.script, page, ...(live ? [livePage] : [])];
  const styles = [library.style, style];
  const section = (name: keyof typeof sections) => markup`<div id="${name}">${sections[name]}</div>`;
  return String(markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy({ scripts, styles }, live !== undefined)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${title}</title>
${lines(styles.map(inlineStyle))}
</head>
<body>
<h1>${title}</h1>
${section("summary")}
${live ? [markup`<p id="status"></p>`] : []}
<main>
<div id="plots"></div>
${section("samples")}
</main>
${section("facts")}
${jsonScript("data", plots)}
${live ? [jsonScript("live", live)] : []}
${lines(scripts.map(inlineScript))}
</body>
</html>
`);
}

/** The current contents of a report. */
export function reportContent(named: readonly ReportRun[]): ReportContent {
  const names = distinguishingNames(named.map(({ name }) => name));
  const runs = named.map((run, i) => ({ ...run, name: names[i] }));
  return {
    plots: reportPlots(runs),
    sections: { summary: summaries(runs), samples: samples(runs), facts: factsTable(runs) },
  };
}

/** A line with the state of each run. */
function summaries(runs: readonly ReportRun[]): Html {
  return lines(runs.flatMap(({ name, summary }) => {
    if (summary === undefined) return [];
    return [runs.length > 1 ? markup`<p><b>${name}</b>: ${summary}</p>` : markup`<p>${summary}</p>`];
  }));
}

/** The texts that models generated during training, newest first. */
function samples(runs: readonly ReportRun[]): Html {
  return lines(runs.flatMap(({ name, metrics }) => {
    const all = metrics.filter(({ sample }) => sample !== undefined).reverse();
    if (all.length === 0) return [];
    const kept = all.length <= MAX_SAMPLES ? all : Array.from(
      { length: MAX_SAMPLES },
      (_, i) => all[Math.round(i * (all.length - 1) / (MAX_SAMPLES - 1))],
    );
    const figures = kept.map(({ step, loss, sample }) =>
      markup`<figure><figcaption>after step ${step + 1}, loss ${
        formatLoss(loss)
      }</figcaption><pre>${sample!}</pre></figure>`
    );
    return [markup`<h2>${runs.length > 1 ? `Samples of ${name}` : "Samples"}</h2>`, ...figures];
  }));
}

/** A row for each fact and a column for each run; differences between runs are marked. */
function factsTable(runs: readonly ReportRun[]): Html {
  const names = [...new Set(runs.flatMap(({ facts }) => Object.keys(facts)))];
  if (names.length === 0) return markup``;
  const rows = names.map((name) => {
    const values = runs.map(({ facts }) => Object.hasOwn(facts, name) ? facts[name] : "–");
    const cells = values.map((value) => markup`<td>${value}</td>`);
    return new Set(values).size > 1
      ? markup`<tr class="differs"><th>${name}</th>${cells}</tr>`
      : markup`<tr><th>${name}</th>${cells}</tr>`;
  });
  const head = runs.length > 1 ? [markup`<tr><th></th>${runs.map(({ name }) => markup`<th>${name}</th>`)}</tr>`] : [];
  return markup`<h2>Configuration</h2>\n<table>\n${lines([...head, ...rows])}\n</table>`;
}

/** Each one on its own line. */
function lines(parts: readonly Html[]): Html {
  return markup`${parts.map((part, i) => i === 0 ? part : markup`\n${part}`)}`;
}

const formatLoss = (loss: number) => Number(loss).toFixed(3);
