// The table of a report's runs: what each is called, how well it did, and how it stands.
import { type Html, markup } from "../io/markup.ts";
import { type Course, courseOf } from "../run/course.ts";
import { bitsPerByteFactor, haveDifferentTokenizers, type ReportRun } from "./report_run.ts";

/** A column: its heading, and each run's value and how that is written. */
interface Column {
  readonly heading: string;
  readonly value: (run: ReportRun, course: Course | undefined) => number | undefined;
  readonly format: (value: number, run: ReportRun) => string;
}

const loss = (value: number) => value.toFixed(4);

const COLUMNS: readonly Column[] = [
  { heading: "best validation loss", value: (_, course) => course?.lowestValidLoss, format: loss },
  { heading: "last validation loss", value: (_, course) => course?.validLoss, format: loss },
  { heading: "last training loss", value: (_, course) => course?.lastLoss, format: loss },
  {
    heading: "steps",
    value: (_, course) => course?.steps ?? 0,
    format: (steps, { totalSteps }) =>
      totalSteps === undefined ? count(steps) : `${count(steps)} of ${count(totalSteps)}`,
  },
  { heading: "time", value: (_, course) => course?.seconds, format: clock },
];

const BITS_PER_BYTE: Column = {
  heading: "best, in bits per byte",
  value: (run, course) => {
    const factor = bitsPerByteFactor(run);
    return factor === undefined || course?.lowestValidLoss === undefined ? undefined : factor * course.lowestValidLoss;
  },
  format: loss,
};

/**
 * A row for each run, with a box that shows or hides its lines. The page's script sorts the rows and fills the swatches.
 * One run needs no table.
 */
export function runsTable(runs: readonly ReportRun[]): Html {
  if (runs.length < 2) return markup``;
  const isMixed = haveDifferentTokenizers(runs);
  const courses = runs.map(({ metrics }) => courseOf(metrics));
  const columns = (isMixed ? [BITS_PER_BYTE, ...COLUMNS] : COLUMNS).filter(({ value }) =>
    runs.some((run, i) => value(run, courses[i]) !== undefined)
  );
  const values = columns.map(({ value }) => runs.map((run, i) => value(run, courses[i])));
  // Of what compares: with several tokenizers, not nats.
  const isRanked = columns[0].format === loss && (!isMixed || columns[0] === BITS_PER_BYTE);
  const best = isRanked ? indexOfLowest(values[0]) : -1;
  const settings = [...new Set(runs.flatMap(({ settings = {} }) => Object.keys(settings)))];
  const headings = ["run", ...settings, ...columns.map(({ heading }) => heading), "status"];
  const rows = runs.map((run, i) =>
    markup`<tr data-run="${i}"${i === best ? markup` class="best"` : markup``}><th>${box(run.name)}</th>${
      settings.map((name) => cell(run.settings && Object.hasOwn(run.settings, name) ? run.settings[name] : "–"))
    }${
      columns.map(({ format }, j) => {
        const value = values[j][i];
        return value === undefined ? cell("–", "") : cell(format(Number(value), run), String(value));
      })
    }<td>${run.status ?? "–"}${(run.remarks ?? []).map((remark) => markup`<small>${remark}</small>`)}</td></tr>\n`
  );
  const hint = best >= 0 ? ` In bold: the lowest “${columns[0].heading}”.` : "";
  return markup`${
    isMixed ? tokenizersWarning(runs) : markup``
  }<p class="note">Losses in nats per token. Click a heading to sort by it; a box shows or hides its run.${hint}</p>
<div class="wide"><table>
<thead><tr>${headings.map((heading) => markup`<th><button>${heading}</button></th>`)}</tr></thead>
<tbody>
${rows}</tbody></table></div>`;
}

function tokenizersWarning(runs: readonly ReportRun[]): Html {
  const unknown = runs.filter((run) => bitsPerByteFactor(run) === undefined).map(({ name }) => name);
  const next = unknown.length === 0
    ? "Bits per byte can be compared."
    : `Bits per byte could be, but it is not known how many bytes of text the validation data hold for ${
      unknown.join(", ")
    }.`;
  return markup`<p class="warning">These runs have different tokenizers: their losses in nats per token cannot be compared, because a token does not stand for the same amount of text. ${next}</p>\n`;
}

function box(name: string): Html {
  return markup`<label><input type="checkbox" checked> <i class="swatch"></i> ${name}</label>`;
}

/** @param value What it is sorted by. Default: its text. */
function cell(text: string, value: string = text): Html {
  return markup`<td data-value="${value}">${text}</td>`;
}

function indexOfLowest(values: readonly (number | undefined)[] = []): number {
  const known = values.map((value) => value !== undefined && Number.isFinite(value) ? value : Infinity);
  const lowest = known.reduce((a, b) => Math.min(a, b), Infinity);
  return lowest === Infinity ? -1 : known.indexOf(lowest);
}

const count = (value: number) => value.toLocaleString("en-US");

/** `1:05` or `2:03:20`. */
function clock(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
