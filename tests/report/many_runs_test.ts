// Reports of more runs than a person can tell apart by the colours of their lines.
import { assert, assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { lineOf } from "../../lib/run/metrics_line.ts";
import { writeReport } from "../../tasks/report/write_report.ts";
import { browserTest } from "../harness/browser.ts";
import { until } from "./until.ts";
import { CONFIG, makeRun, metricsOf } from "./runs.ts";

const RUNS = 20;
const DIVERGED = 7;

/** A sweep of twenty runs, each a little worse than the one before; one's losses grow without bound. */
async function writeSweep(dir: string): Promise<void> {
  const settings = new Map<string, Record<string, string>>();
  for (let i = 0; i < RUNS; i++) {
    const run = `${dir}/sweep/lr-${i + 1}`;
    const grow = (step: number) => i === DIVERGED && step > 60 ? Math.exp((step - 60) / 4) : 0;
    const metrics = metricsOf(i === DIVERGED ? 110 : 120).map((line) => ({
      ...line,
      loss: line.loss + i / 50 + grow(line.step),
      ...(line.validLoss !== undefined && { validLoss: line.validLoss + i / 50 + grow(line.step) }),
    }));
    await makeRun(run, metrics, { ...CONFIG, training: { ...CONFIG.training, lr: (i + 1) / 1000, minLr: 0 } });
    if (i === DIVERGED) {
      await Deno.writeTextFile(`${run}/metrics.jsonl`, lineOf({ step: 110, diverged: "got NaN" }), { append: true });
    }
    settings.set(run, { lr: String(i + 1) });
  }
  await writeReport([...settings.keys()], `${dir}/sweep.html`, undefined, { title: "Sweep of lr", settings });
}

/** The names in the table, in its order. */
async function namesOf(page: Page): Promise<string[]> {
  return (await page.locator("#runs tbody th").allInnerTexts()).map((text) => text.trim());
}

const LOSS = `drawn.get("loss by step")`;

browserTest(
  "a report of twenty runs, one diverged, shows the others' losses in full, and sorts its table",
  async (open) => {
    const dir = await Deno.makeTempDir();
    try {
      await writeSweep(dir);
      const { page, problems } = await open(`file://${dir}/sweep.html`);
      assertEquals(await page.locator("h1").innerText(), "Sweep of lr");
      const names = Array.from({ length: RUNS }, (_, i) => `lr-${i + 1}`);
      assertEquals(await namesOf(page), names);
      const rows = await page.locator("#runs tbody tr").allInnerTexts();
      assert(rows[DIVERGED].includes("diverged at step 111") && rows[DIVERGED].includes("got NaN"), rows[DIVERGED]);
      assertEquals(rows.filter((row) => row.includes("finished")).length, RUNS - 1);
      assertEquals(await page.locator("#runs .best").getAttribute("data-run"), "0");

      // Validation alone; the axis is that of the runs that went well, and the rest is not left out in silence.
      const heading = page.locator("#plots h2").first();
      assertEquals(await heading.innerText(), "Validation loss by step");
      assertEquals(await page.evaluate(`${LOSS}.lines.length`), RUNS);
      const max: number = await page.evaluate(`${LOSS}.plot.scales.y.max`);
      assert(max > 5 && max < 30, `the y axis goes to ${max}`);
      const note = page.locator("#plots > div").first().locator(".note");
      assert(/values are beyond this axis, the largest/.test(await note.innerText()), await note.innerText());
      await page.getByRole("button", { name: "Log y axes" }).click();
      assert(await page.evaluate(`${LOSS}.plot.scales.y.max > 1e4`));
      assertEquals(await note.innerText(), "");
      await page.getByRole("button", { name: "Training loss", exact: true }).click();
      assertEquals(await heading.innerText(), "Training and validation loss by step");
      assertEquals(await page.evaluate(`${LOSS}.lines.length`), 2 * RUNS);

      // Over the one axis of the sweep: a point for each run, and the line of the lowest.
      const lowest: (number | null)[][] = await page.evaluate(`drawn.get("sweep lr").plot.data`);
      assertEquals(lowest.length, 2 + RUNS);
      assertEquals(lowest[0].length, RUNS);
      lowest[1].forEach((loss, i) => assertEquals(loss, lowest[2 + i][i]));

      // Numbers are sorted as numbers, and a run without one comes last.
      await page.getByRole("button", { name: "lr", exact: true }).click();
      assertEquals(await namesOf(page), names);
      await page.getByRole("button", { name: "lr", exact: true }).click();
      assertEquals(await namesOf(page), names.toReversed());
      const first = page.locator("#runs tbody tr").first();
      await first.getByRole("checkbox").uncheck();
      assertEquals(await page.evaluate(`${LOSS}.lines.some(({ run }) => run === ${RUNS - 1})`), false);
      await first.getByRole("checkbox").check();
      await page.locator("#runs tbody tr").nth(3).hover();
      const faint = `${LOSS}.plot.series.slice(1).filter(({ alpha }) => alpha < 0.2).length`;
      assertEquals(await page.evaluate(faint), 2 * (RUNS - 1));
      assertEquals(problems, []);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
);

browserTest(
  "a report is dark where the reader's system is, fits a phone, and is zoomed into by a finger",
  async (open) => {
    const dir = await Deno.makeTempDir();
    try {
      await writeSweep(dir);
      await makeRun(`${dir}/one`, metricsOf(120, { samples: true }));
      await writeReport([`${dir}/one`], `${dir}/one.html`);
      for (const name of ["sweep", "one"]) {
        const { page, problems } = await open(`file://${dir}/${name}.html`);
        const luminance = `(() => {
        const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number);
        return r + g + b;
      })()`;
        assert(await page.evaluate(`${luminance} > 700`));
        const colour: string = await page.evaluate(`${LOSS}.lines[0].colour`);
        await page.emulateMedia({ colorScheme: "dark" });
        // Lines are drawn in the dark's colours once the page has heard of it.
        await until(page, `${LOSS}.lines[0].colour !== "${colour}"`);
        assert(await page.evaluate(`${luminance} < 100`));
        await page.setViewportSize({ width: 390, height: 800 });
        // Plots take their new size once the page is laid out; then nothing but tables scrolls sideways.
        await until(page, "document.documentElement.scrollWidth <= 390");
        await page.evaluate(`(() => {
        const { over } = ${LOSS}.plot;
        const { left, top, width } = over.getBoundingClientRect();
        const send = (type, share) => over.dispatchEvent(
          new PointerEvent(type, { pointerType: "touch", clientX: left + share * width, clientY: top + 50, bubbles: true }),
        );
        send("pointerdown", 0.25);
        send("pointermove", 0.4);
        send("pointermove", 0.5);
        send("pointerup", 0.5);
      })()`);
        const { min, max }: { min: number; max: number } = await page.evaluate(
          `(({ min, max }) => ({ min, max }))(${LOSS}.plot.scales.x)`,
        );
        assert(min > 20 && max < 80, `zoomed into ${min} to ${max}`);
        assertEquals(problems, []);
      }
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
);
