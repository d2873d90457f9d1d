// Runs in the reader's browser: draws the plots of a report from the data beside it.
/* global uPlot */
/** Colours that stay apart for readers who see red and green alike. Source: Okabe & Ito 2008. */
const COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000"];
const HEIGHT = 280;

/** The plots on the page, by title. */
const drawn = new Map();

/** More points than this of one line are not marked: they would be a line themselves. */
const MOST_MARKED = 40;

/** Seconds between two ticks of a time axis: round in minutes, hours and days. */
const TIME_STEPS = [1, 2, 5, 10, 15, 30]
  .concat([1, 2, 5, 10, 15, 30].map((minutes) => 60 * minutes))
  .concat([1, 2, 4, 6, 12, 24, 48, 96, 168, 336].map((hours) => 3600 * hours));

/** Whole numbers as they are, others with up to four significant digits: learning rates are small, throughputs large. */
function format(value) {
  if (value === null || value === undefined) return "–";
  const isWhole = Number.isInteger(value);
  if (value !== 0 && (Math.abs(value) < 1e-3 || (!isWhole && Math.abs(value) >= 1e6))) return value.toExponential(1);
  return (isWhole ? value : Number(value.toPrecision(4))).toLocaleString("en-US", { maximumFractionDigits: 20 });
}

/** Seconds as m:ss, h:mm:ss, or with days before that. */
function formatTime(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const whole = Math.round(seconds);
  const [days, hours, minutes] = [
    Math.floor(whole / 86400),
    Math.floor(whole / 3600) % 24,
    Math.floor(whole / 60) % 60,
  ];
  const two = (number) => String(number).padStart(2, "0");
  const clock = whole < 3600 ? `${minutes}:${two(whole % 60)}` : `${hours}:${two(minutes)}:${two(whole % 60)}`;
  return days > 0 ? `${days} d ${clock}` : clock;
}

/** What the legend says of a line: its value under the pointer or, without one, its last. */
function legendValue(formatValue) {
  return (plot, value, line, index) => {
    const isAway = index === null || index === undefined;
    return formatValue(isAway ? plot.data?.[line]?.findLast((v) => v !== null && v !== undefined) : value);
  };
}

/** The lines of a plot that have points: what uPlot is to know of each, and their tables. */
function linesOf({ x, lines }, runs) {
  const found = runs.flatMap((run, i) =>
    lines.map(({ field, label, dashed }, j) => ({
      table: [run.points[field][x], run.points[field].value],
      series: {
        label: runs.length === 1 ? label : lines.length === 1 ? run.name : `${run.name}: ${label}`,
        // One run's lines differ in colour, several runs differ from each other.
        stroke: COLOURS[(runs.length > 1 ? i : j) % COLOURS.length],
        width: dashed ? 2 : 1,
        dash: dashed ? [6, 4] : undefined,
        points: { show: run.points[field].step.length < (dashed ? MOST_MARKED : 3) },
        spanGaps: true,
        value: legendValue(format),
      },
    }))
  ).filter(({ table }) => table[0].length > 0);
  return { series: found.map(({ series }) => series), tables: found.map(({ table }) => table) };
}

function widthOf(cell) {
  return Math.max(280, cell.clientWidth);
}

function create({ title, x, xLabel, yLabel }, series, data, cell) {
  const isTime = x === "seconds";
  const formatX = isTime ? formatTime : format;
  const ticks = (formatValue) => (_, splits) => splits.map(formatValue);
  const legend = { label: xLabel, value: legendValue(formatX) };
  return new uPlot(
    {
      title,
      width: widthOf(cell),
      height: HEIGHT,
      // Room for the half of the last label that is beyond the end of the axis.
      padding: [null, 20, null, null],
      scales: { x: { time: false } },
      axes: [
        { label: xLabel, values: ticks(formatX), ...(isTime && { incrs: TIME_STEPS }) },
        { label: yLabel, values: ticks(format), size: 70 },
      ],
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
