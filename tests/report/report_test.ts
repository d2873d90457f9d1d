import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { reportContent, reportHtml, type ReportRun } from "../../lib/report/report.ts";
import type { StepMetrics } from "../../lib/train/train.ts";

function metricsOf(steps: number): StepMetrics[] {
  return Array.from({ length: steps }, (_, step) => ({
    step,
    loss: 5 - step / steps,
    lr: 1e-3,
    gradNorm: 1 + step % 3,
    tokensPerSecond: 1000,
    // Read back in pairs.
    seconds: Math.floor(step / 2),
    ...(step % 10 === 9 && { validLoss: 6 - step / steps }),
  }));
}

const library = { script: "/* script */", style: "/* style */" };

interface PageData {
  readonly runs: readonly {
    readonly name: string;
    readonly points: Readonly<Record<string, { step: number[]; seconds: number[]; value: number[] }>>;
  }[];
}

function dataOf(html: string): PageData {
  return JSON.parse(/id="data">(.*?)<\/script>/s.exec(html)![1]) as PageData;
}

Deno.test("a report carries every point of its runs, and each x once", () => {
  const metrics = metricsOf(30);
  const [{ points }] = dataOf(reportHtml([{ name: "a", metrics, facts: {} }], library)).runs;
  assertEquals(points.loss.step, metrics.map(({ step }) => step + 1));
  assertEquals(points.loss.value, metrics.map(({ loss }) => loss));
  assertEquals(points.validLoss.step, [10, 20, 30]);
  for (const { seconds } of Object.values(points)) assertEquals(seconds, [...new Set(seconds)].sort((a, b) => a - b));
});

Deno.test("times in a plot go up, far enough from one to the next for ticks between them", () => {
  const times = fc.array(fc.double({ min: 0, max: 1e10, noNaN: true }), { minLength: 2, maxLength: 300 });
  fc.assert(
    fc.property(fc.oneof(times, times.map((times) => times.fill(times[0]))), (times) => {
      const metrics = metricsOf(times.length).map((line) => ({ ...line, seconds: times[line.step] }));
      const { seconds } = reportContent([{ name: "a", metrics, facts: {} }]).plots.runs[0].points.loss;
      assertEquals(seconds.every((time, i) => i === 0 || time - seconds[i - 1] > 5e-10 * time), true);
      assertEquals(seconds.at(-1)! >= Math.max(...times), true);
    }),
    { seed: 3 },
  );
});

Deno.test("a report of a long run keeps the mean of every field", () => {
  const metrics = metricsOf(36_000);
  const [{ points }] = dataOf(reportHtml([{ name: "a", metrics, facts: {} }], library)).runs;
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  assertEquals(points.loss.value.length, 4000);
  assertEquals(Math.abs(mean(points.loss.value) - mean(metrics.map(({ loss }) => loss))) < 1e-9, true);
  assertEquals(points.loss.step.at(-1), 36_000);
});

Deno.test("of many samples a report keeps a hundred, the newest first, the first and the last among them", () => {
  const metrics = metricsOf(250).map((line) => ({ ...line, sample: `text ${line.step}.` }));
  const html = reportHtml([{ name: "a", metrics, facts: {} }], library);
  const steps = [...html.matchAll(/<pre dir="auto">text (\d+)\.<\/pre>/g)].map(([, step]) => Number(step));
  assertEquals([steps.length, steps[0], steps.at(-1)], [100, 249, 0]);
  assertEquals(steps, [...new Set(steps)].sort((a, b) => b - a));
});

Deno.test("names and facts cannot break out of the page, and runs stand side by side", () => {
  const hostile = '</script><b>&"';
  const runs: ReportRun[] = [{ name: hostile, metrics: metricsOf(2), facts: { lr: "1", "only here": hostile } }, {
    name: "b",
    metrics: [],
    facts: { lr: "2" },
  }];
  const html = reportHtml(runs, library);
  assertEquals(html.includes("<b>"), false);
  assertEquals(dataOf(html).runs.map(({ name }) => name), [hostile, "b"]);
  assertStringIncludes(html, "<tr><th>lr</th><td>1</td><td>2</td></tr>");
  assertStringIncludes(html, "<tr><th>only here</th><td>&lt;/script&gt;&lt;b&gt;&amp;&quot;</td><td>–</td></tr>");
});

Deno.test("losses of runs with different tokenizers are said not to compare, and are there in bits per byte", () => {
  const run = (name: string, tokenizer: string, bytesPerToken?: number): ReportRun => ({
    name,
    metrics: metricsOf(30),
    facts: {},
    tokenizer,
    ...(bytesPerToken !== undefined && { bytesPerToken }),
  });
  const of = (...runs: ReportRun[]) => {
    const { plots, sections } = reportContent(runs);
    return { plots, table: String(sections.runs) };
  };
  const same = of(run("a", "x", 4), run("b", "x", 4));
  assertEquals(/warning|bits per byte/.test(same.table), false);
  assertEquals(same.plots.plots.some(({ yLabel }) => yLabel === "bits per byte"), false);

  const mixed = of(run("a", "x", 4), run("b", "y", 2));
  assertStringIncludes(mixed.table, 'class="warning"');
  const lowest = 6 - 29 / 30;
  for (const [i, bytes] of [4, 2].entries()) {
    const bits = lowest / Math.LN2 / bytes;
    assertStringIncludes(mixed.table, `>${bits.toFixed(4)}<`);
    assert(Math.abs(mixed.plots.runs[i].points.bitsPerByte.value.at(-1)! - bits) < 1e-12);
  }
  // The best is the one with fewer bits per byte, not with fewer nats per token.
  assertStringIncludes(mixed.table, '<tr data-run="0" class="best">');

  const unknown = of(run("a", "x"), run("b", "y", 2));
  assertStringIncludes(unknown.table, "hold for a.");
});

Deno.test("a sweep's axes hold its values in order, and each run's lowest validation loss", () => {
  const run = (lr: string, lowest?: number): ReportRun => ({
    name: lr,
    metrics: metricsOf(3).map((line, i) => ({
      ...line,
      ...(lowest !== undefined && { validLoss: i === 1 ? lowest : NaN }),
    })),
    facts: {},
    settings: { lr, schedule: "cosine" },
  });
  const { axes } = reportContent([run("1e-2", 3), run("1e-3", 2), run("3e-3")]).plots;
  assertEquals(axes, [{
    name: "lr",
    values: ["1e-3", "3e-3", "1e-2"],
    runs: [{ value: 2, loss: 3 }, { value: 0, loss: 2 }, { value: 1 }],
  }]);
  assertEquals(reportContent([run("1e-2", 3), { name: "b", metrics: [], facts: {} }]).plots.axes, []);
});

Deno.test("a page's title says what is shown", () => {
  const titleOf = (...names: string[]) =>
    /<h1>(.*)<\/h1>/.exec(reportHtml(names.map((name) => ({ name, metrics: [], facts: {} })), library))![1];
  assertEquals(titleOf("runs/a"), "Training run runs/a");
  assertEquals(titleOf("runs/a", "runs/b"), "Training runs in runs: a, b");
  assertEquals(titleOf("a", "b"), "Training runs: a, b");
  assertEquals(titleOf("/x/a", "/x/b", "/x/c", "/x/d"), "Training runs in /x: 4 runs");
  assertEquals(titleOf("/a", "/b"), "Training runs: a, b");
});

Deno.test("of one run, what a reader looks for first is in sight; of several, what differs", () => {
  const run = { name: "a", metrics: [], facts: { lr: "1", keep: "2" }, mainFacts: ["lr"], results: { time: "9" } };
  const partsOf = (...runs: ReportRun[]) => String(reportContent(runs).sections.facts).split("<details>");
  const rows = (html: string) => [...html.matchAll(/<tr><th>([^<]*)<\/th>/g)].map(([, name]) => name);
  assertEquals(partsOf(run).map(rows), [["time", "lr"], ["keep"]]);
  const other = { ...run, name: "b", facts: { lr: "1", keep: "3" } };
  assertEquals(partsOf(run, other).map(rows), [["", "keep"], ["lr"]]);
});
