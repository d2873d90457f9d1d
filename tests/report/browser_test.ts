import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TextLineStream } from "@std/streams";
import type { Page } from "playwright-core";
import { RUN_FILES } from "../../lib/run/run_directory.ts";
import { writeReport } from "../../tasks/report/write_report.ts";
import { browserTest } from "../harness/browser.ts";
import { taskCommand } from "../harness/run_task.ts";
import { until } from "./until.ts";
import { linesOf, makeRun, metricsOf } from "./runs.ts";

const TITLES = [
  "loss by step",
  "loss by time",
  "Learning rate by step",
  "Gradient norm before clipping by step",
  "Throughput by step",
];

/** In the page: how many points each line of a plot has, as the plotting library holds them. */
const COUNTS = `({ plot }) => plot.data.slice(1).map((values) => values.filter((value) => value != null).length)`;

/** How many points each line of each plot has, by title. */
async function pointsOf(page: Page): Promise<Record<string, number[]>> {
  return await page.evaluate(`Object.fromEntries([...drawn].map(([title, drawing]) => [title, (${COUNTS})(drawing)]))`);
}

/** Waits until the first plot's lines have these numbers of points. */
async function untilPoints(page: Page, counts: readonly number[]): Promise<void> {
  const drawing = `drawn.get("${TITLES[0]}")`;
  await until(page, `${drawing} && JSON.stringify((${COUNTS})(${drawing})) === "${JSON.stringify(counts)}"`);
}

/** Pixels of a plot's canvas that are rather blue than orange, and the other way round. */
async function pixelsOf(page: Page, title: string): Promise<{ blue: number; orange: number }> {
  return await page.evaluate(`(() => {
    const { ctx } = drawn.get("${title}").plot;
    const { data } = ctx.getImageData(0, 0, ctx.canvas.width, ctx.canvas.height);
    let [blue, orange] = [0, 0];
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 2] - data[i] > 60) blue++;
      if (data[i] - data[i + 2] > 60) orange++;
    }
    return { blue, orange };
  })()`);
}

/** Points at a place of a plot, given by its axes, and gives what the plot then says. */
async function pointAt(page: Page, title: string, x: number, y: number): Promise<string> {
  return await page.evaluate(`(() => {
    const { plot, cell } = drawn.get("${title}");
    plot.setCursor({ left: plot.valToPos(${x}, "x"), top: plot.valToPos(${y}, "y") });
    return cell.querySelector(".readout").textContent;
  })()`);
}

/** No two plots or sections lie over each other, and nothing reaches beyond the page's side. */
async function requireTidy(page: Page, width: number): Promise<void> {
  await page.setViewportSize({ width, height: 900 });
  await until(page, `[...drawn.values()].every(({ plot, cell }) => plot.width === Math.max(280, cell.clientWidth))`);
  const boxes: { x: number; y: number; right: number; bottom: number }[] = await page.evaluate(
    `[...document.querySelectorAll("h1, #summary, #runs, #tools, #plots > div, #samples, #facts")].map((element) => {
      const { x, y, right, bottom } = element.getBoundingClientRect();
      return { x, y, right, bottom };
    })`,
  );
  boxes.forEach((a, i) => {
    assert(a.right <= width, `box ${i} reaches to ${a.right} of ${width}`);
    for (const b of boxes.slice(i + 1)) {
      assert(a.right <= b.x || b.right <= a.x || a.bottom <= b.y || b.bottom <= a.y, `box ${i} is overlaid`);
    }
  });
}

browserTest("report.html draws every run, asks for nothing, and keeps its parts apart", async (open) => {
  const dir = await Deno.makeTempDir();
  try {
    await makeRun(`${dir}/a`, metricsOf(120, { samples: true }));
    await makeRun(`${dir}/b`, metricsOf(60, { validEvery: 1000 }));
    await writeReport([`${dir}/a`, `${dir}/b`], `${dir}/both.html`);
    const url = `file://${dir}/both.html`;
    const { page, problems, requests } = await open(url);
    const points = await pointsOf(page);
    assertEquals(Object.keys(points), TITLES);
    // Of what is noisy, the values and their means.
    for (const title of TITLES.slice(0, 2)) assertEquals(points[title], [120, 120, 6, 60, 60], title);
    assertEquals(points[TITLES[2]], [120, 60]);
    for (const title of TITLES.slice(3)) assertEquals(points[title], [120, 120, 60, 60], title);
    for (const title of TITLES) {
      const { blue, orange } = await pixelsOf(page, title);
      assert(blue > 100 && orange > 100, `${title}: ${blue} blue pixels, ${orange} orange ones`);
    }
    // Runs by what tells them apart; each kind of line by how it is drawn; and the line that is pointed at.
    assertEquals((await page.locator("#runs tbody th").allInnerTexts()).map((text) => text.trim()), ["a", "b"]);
    const key = page.locator("#plots > div").first().locator(".key span");
    assertEquals(await key.allInnerTexts(), ["training", "training, smoothed", "validation"]);
    assertEquals(await page.locator("#plots h2").first().innerText(), "Training and validation loss by step");
    assertEquals(await pointAt(page, TITLES[2], 60, 1e-3 * 61 / 120), "a: step 60, learning rate 5.1e-4");
    assertEquals(await pointAt(page, TITLES[2], 60, 1e-3), "", "nothing is near");
    const samples = await page.locator("#samples pre").allInnerTexts();
    assertEquals(samples, ["ROMEO: “99”\n<b>soft</b>", "ROMEO: “49”\n<b>soft</b>"]);
    for (const width of [1280, 1600, 390]) await requireTidy(page, width);
    assertEquals(problems, []);
    assertEquals(requests, [url]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

browserTest("the dashboard waits for a run, follows it as it grows and is cut, and ends on Ctrl-C", async (open) => {
  const dir = await Deno.makeTempDir();
  const server = taskCommand("dashboard", ["--run", `${dir}/run`, "--port", "0"], { stdin: "null", stderr: "null" })
    .spawn();
  try {
    const lines = server.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream()).getReader();
    const url = (await lines.read()).value!;
    assert(/^http:\/\/127\.0\.0\.1:\d+\/$/.test(url), url);
    const { page, problems, requests } = await open(url);
    assertStringIncludes(await page.locator("#summary").innerText(), "Waiting for the run");
    assertEquals(await pointsOf(page), {});

    const log = `${dir}/run/${RUN_FILES.metrics}`;
    const metrics = metricsOf(120, { samples: true });
    const torn = linesOf(metrics.slice(10, 30));
    await makeRun(`${dir}/run`, metrics.slice(0, 10));
    await untilPoints(page, [10]);
    // Half a line, as a reader finds it while it is written; then the rest, and the first validation.
    await Deno.writeTextFile(log, torn.slice(0, 40), { append: true });
    await Deno.writeTextFile(log, torn.slice(40), { append: true });
    await untilPoints(page, [30, 1]);
    assert((await pixelsOf(page, TITLES[0])).blue > 100);
    assertStringIncludes(await page.locator("#summary").innerText(), "30 of 120 steps");

    // A zoomed stretch stays while the run continues.
    await page.evaluate(`drawn.get("${TITLES[0]}").plot.setScale("x", { min: 5, max: 10 })`);
    await Deno.writeTextFile(log, linesOf(metrics.slice(30, 60)), { append: true });
    await untilPoints(page, [60, 60, 3]);
    assertEquals(await page.evaluate(`drawn.get("${TITLES[0]}").plot.scales.x.max`), 10);
    assertEquals(await page.evaluate(`drawn.get("${TITLES[2]}").plot.scales.x.max`), 60);
    assertEquals(await page.locator("#samples pre").allInnerTexts(), ["ROMEO: “49”\n<b>soft</b>"]);

    // What a resumed run does: a log of the steps up to its checkpoint takes the place of the longer one.
    await makeRun(`${dir}/run`, metrics.slice(0, 45));
    await untilPoints(page, [45, 45, 2]);
    await until(page, `document.querySelectorAll("#samples pre").length === 0`);
    await requireTidy(page, 1280);
    assertEquals(problems, []);
    assertEquals(requests.filter((request) => !request.startsWith(url)), []);

    server.kill("SIGINT");
    const { code } = await server.status;
    assertEquals(code, 0);
    await until(page, `document.getElementById("status").textContent.startsWith("Out of date")`);
    const { port } = new URL(url);
    assertStringIncludes(
      await page.locator("#status").innerText(),
      `deno task dashboard --run ${dir}/run --port ${port}`,
    );
    assertEquals(await pointsOf(page).then((points) => points[TITLES[0]]), [45, 45, 2]);
    await lines.cancel();
  } finally {
    try {
      server.kill("SIGKILL");
    } catch {
      // It is over, as it should be.
    }
    await Deno.remove(dir, { recursive: true });
  }
});
