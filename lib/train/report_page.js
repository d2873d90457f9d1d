// Runs in the reader's browser: draws the plots of a report from the data beside it.
/* global uPlot */
const { runs, plots } = JSON.parse(document.getElementById("data").textContent);
/** Colours that stay apart for readers who see red and green alike. Source: Okabe & Ito 2008. */
const COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000"];
const HEIGHT = 300;

/** Up to four significant digits: learning rates are small, throughputs large. */
function format(value) {
  if (value === null || value === undefined) return "–";
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6)) return value.toExponential(1);
  return String(Number(value.toPrecision(4)));
}

function draw({ title, x, xLabel, yLabel, lines }) {
  const tables = [];
  const series = [{ label: xLabel, value: (_, v) => format(v) }];
  runs.forEach((run, i) => {
    for (const { field, label, dashed } of lines) {
      const points = run.points[field];
      if (points.step.length === 0) continue;
      tables.push([points[x], points.value]);
      series.push({
        label: runs.length > 1 ? `${run.name}: ${label}` : label,
        stroke: COLOURS[i % COLOURS.length],
        width: dashed ? 2 : 1,
        dash: dashed ? [6, 4] : undefined,
        points: { show: dashed === true || points.step.length < 3 },
        spanGaps: true,
        value: (_, v) => format(v),
      });
    }
  });
  if (tables.length === 0) return;
  const values = (_, splits) => splits.map(format);
  const plot = new uPlot(
    {
      title,
      width: Math.max(320, Math.min(900, document.body.clientWidth - 20)),
      height: HEIGHT,
      scales: { x: { time: false } },
      axes: [{ label: xLabel, values }, { label: yLabel, values, size: 70 }],
      series,
    },
    uPlot.join(tables),
    document.getElementById("plots"),
  );
  plot.root.dataset.title = title;
}

plots.forEach(draw);
