import { type Html, jsonScript, markup } from "../io/markup.ts";
import { distinguishingNames } from "../run/run_names.ts";
import { pageHtml } from "./page.ts";
import formats from "./report_format.js" with { type: "text" };
import lineScript from "./report_lines.js" with { type: "text" };
import livePage from "./report_live.js" with { type: "text" };
import page from "./report_page.js" with { type: "text" };
import plotScript from "./report_plot.js" with { type: "text" };
import tableScript from "./report_table.js" with { type: "text" };
import style from "./report_page.css" with { type: "text" };
import { reportPlots, type RunPlots } from "./report_plots.ts";
import type { ReportRun } from "./report_run.ts";
import { runsTable } from "./report_runs.ts";
import { factsTables, samples, summaries } from "./report_sections.ts";
import { reportTitle } from "./report_title.ts";

export type { ReportRun };

/** The text of uPlot's script and style sheet, which the page includes. */
export interface PlotLibrary {
  /** `uPlot.iife.min.js`. */
  readonly script: string;
  /** `uPlot.min.css`. */
  readonly style: string;
}

/** The contents of a page: the plots' data, and HTML for its named places. */
export interface ReportContent {
  /** The page's title. */
  readonly title: string;
  /** What the page's script draws. */
  readonly plots: RunPlots;
  /** HTML, by the id of its place in the page. */
  readonly sections: Readonly<Record<"summary" | "runs" | "samples" | "facts", Html>>;
}

/** Options for a page that keeps asking a server for its content. */
export interface LiveReport {
  /** The address of the content; the page's version is added, as `seen=`. */
  readonly url: string;
  /** The version of the content that the page begins with. */
  readonly version: string;
  /** What the reader can do when the server no longer answers, as a sentence. */
  readonly advice?: string;
}

/** Options for `reportHtml`. */
export interface ReportOptions {
  /** Makes a page that keeps itself up to date. */
  readonly live?: LiveReport;
  /** The page's title. Default: the names of its runs, or their directory. */
  readonly title?: string;
}

/** The page's own script: in one piece, so that its parts share their names. */
const SCRIPT = [formats, lineScript, plotScript, tableScript, page].join("\n");

/** One self-contained HTML page that shows one run, or several in the same plots. */
export function reportHtml(
  runs: readonly ReportRun[],
  library: PlotLibrary,
  { live, title: given }: ReportOptions = {},
): string {
  const { title, plots, sections } = reportContent(runs, given);
  const section = (name: keyof typeof sections) => markup`<div id="${name}">${sections[name]}</div>`;
  const body = markup`${section("summary")}
${live ? [markup`<p id="status" role="status"></p>`] : []}
${section("runs")}
<div id="tools"></div>
<main>
<div id="plots"></div>
${section("samples")}
</main>
${section("facts")}
${jsonScript("data", plots)}
${live ? [jsonScript("live", live)] : []}`;
  return pageHtml({
    title,
    body,
    libraryStyles: [library.style],
    styles: [style],
    scripts: [library.script, SCRIPT, ...(live ? [livePage] : [])],
    isLive: live !== undefined,
  });
}

/**
 * The current contents of a report.
 * @param title Default: the names of its runs, or their directory.
 */
export function reportContent(named: readonly ReportRun[], title?: string): ReportContent {
  const names = distinguishingNames(named.map(({ name }) => name));
  const runs = named.map((run, i) => ({ ...run, name: names[i] }));
  return {
    title: title ?? reportTitle(named.map(({ name }) => name), names),
    plots: reportPlots(runs),
    sections: { summary: summaries(runs), runs: runsTable(runs), samples: samples(runs), facts: factsTables(runs) },
  };
}
