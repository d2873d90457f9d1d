// Draws where a step's time goes, as SVG: a bar for each kernel, and inside it what the machine's limits allow.
import * as vega from "vega";
import { labelOf, type StepProfile } from "../../lib/accounting/step_profile.ts";

/** Pixels. */
const WIDTH = 480;
const BAR_HEIGHT = 18;

/** Kernels that take less than this share of the step are one bar together. */
const SMALLEST_SHARE = 0.005;

/** Source: Okabe & Ito 2008. */
const COLOURS = { compute: "#0072B2", memory: "#E69F00", taken: "#D0D0D0" };

/** Renders the profile; the same profile gives the same bytes. */
export async function drawTimeBars({ rows, seconds }: StepProfile, title: string): Promise<string> {
  const large = rows.filter((row) => row.timeShare >= SMALLEST_SHARE);
  const small = rows.filter((row) => row.timeShare < SMALLEST_SHARE);
  const bars = large.map((row) => ({
    label: `${labelOf(row)} × ${row.calls}`,
    taken: row.seconds * 1000,
    best: Math.min(row.rooflineSeconds, row.seconds) * 1000,
    bound: row.bound,
    text: `${(100 * row.timeShare).toFixed(1)} %` +
      (row.rooflineShare === undefined ? "" : `, ${(100 * row.rooflineShare).toFixed(0)} % of roofline`),
  }));
  if (small.length > 0) {
    const sum = (pick: (row: typeof small[number]) => number) => small.reduce((total, row) => total + pick(row), 0);
    const taken = sum((row) => row.seconds);
    const best = Math.min(sum((row) => row.rooflineSeconds), taken);
    const text = `${(100 * taken / seconds).toFixed(1)} %, ${(100 * best / taken).toFixed(0)} % of roofline`;
    bars.push({ label: `${small.length} others`, taken: taken * 1000, best: best * 1000, bound: "memory", text });
  }
  const band = { scale: "y", field: "label" };
  const bar = (field: "taken" | "best", fill: vega.ColorValueRef): vega.Mark => ({
    type: "rect",
    from: { data: "bars" },
    encode: {
      enter: { y: band, height: { scale: "y", band: 1 }, x: { scale: "x", value: 0 }, x2: { scale: "x", field }, fill },
    },
  });
  const spec: vega.Spec = {
    background: "white",
    width: WIDTH,
    height: BAR_HEIGHT * bars.length,
    padding: 10,
    title: { text: title, subtitle: "grey: time taken; coloured: the least that arithmetic or memory allow" },
    data: [{ name: "bars", values: bars }],
    scales: [
      { name: "y", type: "band", domain: bars.map(({ label }) => label), range: "height", padding: 0.15 },
      { name: "x", type: "linear", domain: { data: "bars", field: "taken" }, range: "width", zero: true },
      {
        name: "colour",
        type: "ordinal",
        domain: ["compute", "memory", "time taken"],
        range: [COLOURS.compute, COLOURS.memory, COLOURS.taken],
      },
    ],
    axes: [
      { orient: "left", scale: "y", labelLimit: 0 },
      { orient: "bottom", scale: "x", title: "ms a step", grid: true },
    ],
    legends: [{ fill: "colour", orient: "right", offset: 160 }],
    marks: [
      bar("taken", { value: COLOURS.taken }),
      bar("best", { scale: "colour", field: "bound" }),
      {
        type: "text",
        from: { data: "bars" },
        encode: {
          enter: {
            y: { scale: "y", field: "label", band: 0.5 },
            x: { scale: "x", field: "taken", offset: 4 },
            text: { field: "text" },
            baseline: { value: "middle" },
            fontSize: { value: 10 },
          },
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
