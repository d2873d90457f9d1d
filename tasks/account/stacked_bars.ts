// Draws stacked bars of shares, the whole in numbers above each, as SVG.
import * as vega from "vega";
import type { StackedBars } from "../../lib/accounting/compare.ts";
import { formatSi } from "../../lib/accounting/units.ts";

/** Pixels. */
const HEIGHT = 320;
const WIDTH_PER_BAR = 120;

/** Colours that stay apart for readers who see red and green alike. Source: Okabe & Ito 2008. */
const COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9"];

/** Renders the bars; the same bars give the same bytes. */
export async function drawStackedBars({ title, unit, bars }: StackedBars): Promise<string> {
  const wholeOf = (bar: StackedBars["bars"][number]) => bar.parts.reduce((sum, { value }) => sum + value, 0);
  const values = bars.flatMap((bar) => {
    let start = 0;
    return bar.parts.map(({ name, value }) => {
      const share = value / wholeOf(bar);
      const text = share < 0.04 ? "" : `${(100 * share).toFixed(1)} %`;
      return { label: bar.label, part: name, start, end: start += share, text };
    });
  });
  const totals = bars.map((bar) => ({ label: bar.label, total: formatSi(wholeOf(bar), unit) }));
  const centre = { scale: "x", field: "label", band: 0.5 };
  const spec: vega.Spec = {
    background: "white",
    width: WIDTH_PER_BAR * bars.length,
    height: HEIGHT,
    padding: 10,
    title: { text: title, offset: 30 },
    data: [{ name: "parts", values }, { name: "totals", values: totals }],
    scales: [
      { name: "x", type: "band", domain: bars.map((bar) => bar.label), range: "width", padding: 0.25 },
      { name: "y", type: "linear", domain: [0, 1], range: "height" },
      { name: "colour", type: "ordinal", domain: bars[0].parts.map((part) => part.name), range: COLOURS },
    ],
    axes: [
      { orient: "bottom", scale: "x", labelLimit: 0 },
      { orient: "left", scale: "y", format: ".0%", grid: true, tickCount: 5 },
    ],
    legends: [{ fill: "colour", orient: "right", labelLimit: 0 }],
    marks: [
      {
        type: "rect",
        from: { data: "parts" },
        encode: {
          enter: {
            x: { scale: "x", field: "label" },
            width: { scale: "x", band: 1 },
            y: { scale: "y", field: "end" },
            y2: { scale: "y", field: "start" },
            fill: { scale: "colour", field: "part" },
          },
        },
      },
      {
        type: "text",
        from: { data: "parts" },
        encode: {
          enter: {
            x: centre,
            y: { scale: "y", signal: "(datum.start + datum.end) / 2" },
            text: { field: "text" },
            align: { value: "center" },
            baseline: { value: "middle" },
            fill: { value: "white" },
          },
        },
      },
      {
        type: "text",
        from: { data: "totals" },
        encode: {
          enter: { x: centre, y: { value: -8 }, text: { field: "total" }, align: { value: "center" } },
        },
      },
    ],
  };
  const view = new vega.View(vega.parse(spec), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
