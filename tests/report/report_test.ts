import { assertEquals, assertStringIncludes } from "@std/assert";
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
  assertEquals(points.loss.step, metrics.map(({ step }) => step));
  assertEquals(points.loss.value, metrics.map(({ loss }) => loss));
  assertEquals(points.validLoss.step, [9, 19, 29]);
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
  assertEquals(points.loss.step.at(-1), 35_999);
});

Deno.test("of many samples a report keeps a hundred, the newest first, the first and the last among them", () => {
  const metrics = metricsOf(250).map((line) => ({ ...line, sample: `text ${line.step}.` }));
  const html = reportHtml([{ name: "a", metrics, facts: {} }], library);
  const steps = [...html.matchAll(/<pre>text (\d+)\.<\/pre>/g)].map(([, step]) => Number(step));
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
  assertStringIncludes(html, '<tr class="differs"><th>lr</th><td>1</td><td>2</td></tr>');
  assertStringIncludes(
    html,
    '<tr class="differs"><th>only here</th><td>&lt;/script&gt;&lt;b&gt;&amp;&quot;</td><td>–</td></tr>',
  );
});
