// Runs in the reader's browser: draws the plots of a report from the data beside it.
/* global uPlot */
/** Colours that stay apart for readers who see red and green alike. Source: Okabe & Ito 2008. */
const COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000"];
const HEIGHT = 280;

/** The plots on the page, by title. */
const drawn = new Map();

/** Up to four significant digits: learning rates are small, throughputs large. */
function format(value) {
  if (value === null || value === undefined) return "–";
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6)) return value.toExponential(1);
  return String(Number(value.toPrecision(4)));
}

/** The lines of a plot that have points: what uPlot is to know of each, and their tables. */
function linesOf({ x, lines }, runs) {
  const found = runs.flatMap((run, i) =>
    lines.map(({ field, label, dashed }, j) => ({
      table: [run.points[field][x], run.points[field].value],
      series: {
        label: runs.length > 1 ? `${run.name}: ${label}` : label,
        // One run's lines differ in colour, several runs differ from each other.
        stroke: COLOURS[(runs.length > 1 ? i : j) % COLOURS.length],
        width: dashed ? 2 : 1,
        dash: dashed ? [6, 4] : undefined,
        points: { show: dashed === true || run.points[field].step.length < 3 },
        spanGaps: true,
        value: (_, v) => format(v),
      },
    }))
  ).filter(({ table }) => table[0].length > 0);
  return { series: found.map(({ series }) => series), tables: found.map(({ table }) => table) };
}

function widthOf(cell) {
  return Math.max(280, cell.clientWidth);
}

function create({ title, xLabel, yLabel }, series, data, cell) {
  const values = (_, splits) => splits.map(format);
  const legend = { label: xLabel, value: (_, v) => format(v) };
  return new uPlot(
    {
      title,
      width: widthOf(cell),
      height: HEIGHT,
      // Room for the half of the last label that is beyond the end of the axis.
      padding: [null, 20, null, null],
      scales: { x: { time: false } },
      axes: [{ label: xLabel, values }, { label: yLabel, values, size: 70 }],
      series: [legend, ...series],
    },
    data,
    cell,
  );
}

/** Draws a plot, or puts new data into it; a stretch that the reader has zoomed into stays. */
function draw(spec, runs) {
  const { series, tables } = linesOf(spec, runs);
  const before = drawn.get(spec.title);
  if (tables.length === 0) {
    before?.plot.destroy();
    before?.cell.remove();
    drawn.delete(spec.title);
    return;
  }
  const data = uPlot.join(tables);
  // How a line looks depends on how many points it has; functions cannot be compared.
  const looks = JSON.stringify(series);
  if (before?.looks === looks) {
    const { plot } = before;
    const { min, max } = plot.scales.x;
    const isZoomed = min > plot.data[0][0] || max < plot.data[0].at(-1);
    plot.setData(data, !isZoomed);
    if (isZoomed) plot.setScale("x", { min, max });
    return;
  }
  const cell = before?.cell ?? document.getElementById("plots").appendChild(document.createElement("div"));
  before?.plot.destroy();
  drawn.set(spec.title, { plot: create(spec, series, data, cell), cell, looks });
}

function drawAll({ plots, runs }) {
  for (const spec of plots) draw(spec, runs);
}

drawAll(JSON.parse(document.getElementById("data").textContent));

addEventListener("resize", () => {
  for (const { plot, cell } of drawn.values()) plot.setSize({ width: widthOf(cell), height: HEIGHT });
});
