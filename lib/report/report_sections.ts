// Parts of a report that stand beside its plots: how each run stands, what it generated, its configuration.
import { type Html, markup } from "../io/markup.ts";
import { lines, pageTable } from "./page.ts";
import type { ReportRun } from "./report_run.ts";

/** If a run has more samples than this, they are thinned out evenly. */
const MAX_SAMPLES = 100;

/** More runs than this are rows of the table of facts: as columns they would not fit. */
const MOST_COLUMNS = 3;

/** A line with the state of a run; several have a table for that. */
export function summaries(runs: readonly ReportRun[]): Html {
  return runs.length === 1 && runs[0].summary !== undefined ? markup`<p>${runs[0].summary}</p>` : markup``;
}

/** The texts that models generated during training, newest first. */
export function samples(runs: readonly ReportRun[]): Html {
  return lines(runs.flatMap(({ name, metrics }) => {
    const all = metrics.filter(({ sample }) => sample !== undefined).reverse();
    if (all.length === 0) return [];
    const kept = all.length <= MAX_SAMPLES ? all : Array.from(
      { length: MAX_SAMPLES },
      (_, i) => all[Math.round(i * (all.length - 1) / (MAX_SAMPLES - 1))],
    );
    const figures = kept.map(({ step, loss, sample }) =>
      markup`<figure><figcaption>after step ${step + 1}, training loss ${
        formatLoss(loss)
      }</figcaption><pre dir="auto">${sample!}</pre></figure>`
    );
    return [markup`<h2>${runs.length > 1 ? `Samples of ${name}` : "Samples"}</h2>`, ...figures];
  }));
}

/**
 * The facts of the runs. Those that differ, or of one run those that a reader looks for first, are in sight; the others
 * are folded away.
 */
export function factsTables(given: readonly ReportRun[]): Html {
  // A run that is waited for has none, which is no difference.
  const runs = given.length > 1 ? given.filter(({ facts }) => Object.keys(facts).length > 0) : given.map(withResults);
  const names = [...new Set(runs.flatMap(({ facts }) => Object.keys(facts)))];
  if (names.length === 0) return markup``;
  const valuesOf = (name: string) => runs.map(({ facts }) => Object.hasOwn(facts, name) ? facts[name] : "–");
  const { mainFacts = names } = runs[0];
  const isInSight = (name: string) => runs.length === 1 ? mainFacts.includes(name) : new Set(valuesOf(name)).size > 1;
  const inSight = names.filter(isInSight);
  const folded = names.filter((name) => !isInSight(name));
  const heading = runs.length > 1
    ? "Configuration: what differs"
    : given.length > 1
    ? `Configuration of ${runs[0].name}`
    : "Results and configuration";
  const rest = folded.length === 0 ? [] : [
    markup`<details><summary>${
      runs.length > 1 ? `The same in all runs (${folded.length})` : `Everything else (${folded.length})`
    }</summary>
${pageTable(folded.map((name) => [name, valuesOf(name)[0]]))}
</details>`,
  ];
  const shown = runs.length === 1
    ? [pageTable(inSight.map((name) => [name, valuesOf(name)[0]]))]
    : inSight.length === 0
    ? [markup`<p>Nothing differs.</p>`]
    : [comparison(runs, inSight, valuesOf)];
  return lines([markup`<h2>${heading}</h2>`, ...shown, ...rest]);
}

/** A run of which the results are among the facts. */
function withResults({ results = {}, facts, mainFacts = Object.keys(facts), ...run }: ReportRun): ReportRun {
  return { ...run, facts: { ...results, ...facts }, mainFacts: [...Object.keys(results), ...mainFacts] };
}

/** Facts beside runs: the longer of the two goes downwards. */
function comparison(runs: readonly ReportRun[], names: readonly string[], valuesOf: (name: string) => string[]): Html {
  const rows = [["", ...runs.map(({ name }) => name)], ...names.map((name) => [name, ...valuesOf(name)])];
  return pageTable(runs.length <= MOST_COLUMNS ? rows : rows[0].map((_, i) => rows.map((row) => row[i])), true);
}

const formatLoss = (loss: number) => Number(loss).toFixed(3);
