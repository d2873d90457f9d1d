// A run that somebody else made: nothing in it may run in the page that shows it, or become an element of it.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TextLineStream } from "@std/streams";
import type { Page } from "playwright-core";
import { lineOf } from "../../lib/run/metrics_line.ts";
import { reportHtml, type ReportRun } from "../../lib/report/report.ts";
import { PLOT_LIBRARY } from "../../tasks/report/plot_library.ts";
import { writeReport } from "../../tasks/report/write_report.ts";
import { browserTest } from "../harness/browser.ts";
import { taskCommand } from "../harness/run_task.ts";
import { CONFIG, makeRun, metricsOf } from "./runs.ts";

/** Each sets `attacked` if it runs, and is an element with `data-attack` if it becomes one. */
const MARKUP = [
  "<img data-attack src=x onerror=attacked=1>",
  "</script><script data-attack>attacked=1</script>",
  "</pre></title></style><svg data-attack onload=attacked=1>",
  `"'><iframe data-attack srcdoc='<script>parent.attacked=1</script>'>`,
  "<!--<script>",
  "\u2028attacked=1\u2029",
].join("");

/** The same where a file's name is to hold it: without what a path is made of. */
const NAME = `"'<img data-attack src=x onerror=attacked=1><svg data-attack onload=attacked=1>&lt;b&gt;`;

/** Neither of what the attacks are to bring about, after everything that the page loads has been loaded. */
async function requireUnharmed(page: Page): Promise<void> {
  await page.waitForLoadState("networkidle");
  const harm = await page.evaluate(`({
    attacked: typeof attacked,
    elements: document.querySelectorAll("[data-attack], img, svg, iframe").length,
    scripts: [...document.scripts].filter(({ type }) => type === "").length,
  })`);
  assertEquals(harm, {
    attacked: "undefined",
    elements: 0,
    scripts: await page.locator("#live").count() === 0 ? 2 : 3,
  });
}

/** The page's policy stops what escaping should ever let through: tried from inside. */
async function requirePolicy(page: Page): Promise<void> {
  const blocked = await page.evaluate(`new Promise((resolve) => {
    const found = new Set();
    document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => {
      found.add(effectiveDirective);
      if (found.size === 3) resolve([...found].sort());
    });
    document.body.insertAdjacentHTML("beforeend", "<b onclick=attacked=1>b</b>");
    document.body.lastElementChild.click();
    document.body.appendChild(document.createElement("script")).textContent = "attacked = 1";
    document.body.appendChild(document.createElement("img")).src = "http://127.0.0.1:9/";
  })`);
  assertEquals(blocked, ["img-src", "script-src-attr", "script-src-elem"]);
  assertEquals(await page.evaluate("typeof attacked"), "undefined");
}

browserTest("no text of a run runs or becomes an element in its report: config, names and samples", async (open) => {
  const dir = await Deno.makeTempDir();
  try {
    const run = `${dir}/${NAME}`;
    const metrics = metricsOf(60).map((line) => line.step === 49 ? { ...line, sample: MARKUP } : line);
    await makeRun(run, metrics, {
      ...CONFIG,
      training: { ...CONFIG.training, samplePrompt: MARKUP },
      data: { train: { ...CONFIG.data.train, name: MARKUP } },
    });
    await Deno.writeTextFile(`${run}/metrics.jsonl`, lineOf({ step: 60, diverged: MARKUP }), { append: true });
    await makeRun(`${dir}/other`, metrics);
    for (const runs of [[run], [run, `${dir}/other`]]) {
      await writeReport(runs, `${dir}/report.html`);
      const { page, problems } = await open(`file://${dir}/report.html`);
      assertStringIncludes(await page.locator("h1").innerText(), NAME);
      // White space is shown as HTML does.
      const text = (await page.locator("body").textContent())!;
      assertEquals(
        text.split(MARKUP).length >= 5,
        true,
        "the sample, the divergence, the prompt and the data's name are shown as they are",
      );
      await requireUnharmed(page);
      assertEquals(problems, []);
      await requirePolicy(page);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

browserTest("no value handed to a report runs or becomes an element, whatever its type says", async (open) => {
  const dir = await Deno.makeTempDir();
  try {
    const [line] = metricsOf(1);
    const text = MARKUP as unknown as number;
    const metrics = [
      ...Object.keys(line).map((key) => ({ ...line, [key]: text, sample: MARKUP })),
      { ...line, validLoss: text, sample: MARKUP },
    ];
    const run = { name: MARKUP, metrics, facts: { [MARKUP]: MARKUP }, summary: MARKUP } satisfies ReportRun;
    for (const runs of [[run], [run, { ...run, name: `${MARKUP}2` }]]) {
      await Deno.writeTextFile(`${dir}/report.html`, reportHtml(runs, PLOT_LIBRARY));
      const { page, problems } = await open(`file://${dir}/report.html`);
      await requireUnharmed(page);
      assertEquals(problems, []);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

browserTest("no text of a run runs or becomes an element in the dashboard, at first or later", async (open) => {
  const dir = await Deno.makeTempDir();
  const run = `${dir}/${NAME}`;
  const server = taskCommand("dashboard", ["--run", run, "--port", "0"], { stdin: "null", stderr: "null" }).spawn();
  try {
    const lines = server.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream()).getReader();
    const url = (await lines.read()).value!;
    const { page, problems } = await open(url);
    await requireUnharmed(page);
    const [line] = metricsOf(1);
    const shown = async (text: string) => {
      await page.getByText(text, { exact: false }).first().waitFor();
      await requireUnharmed(page);
    };
    // As a log may be, with a field of another kind; then a good line, and a configuration.
    for (const key of ["step", "sample"]) {
      await makeRun(run, []);
      await Deno.writeTextFile(
        `${run}/metrics.jsonl`,
        `${JSON.stringify({ ...line, [key]: key === "sample" ? [MARKUP] : MARKUP })}\n`,
      );
      await shown(`got "${key}"`);
    }
    await makeRun(run, [{ ...line, sample: MARKUP }]);
    await shown("data-attack onload=attacked=1");
    await Deno.writeTextFile(`${run}/config.json`, JSON.stringify({ ...CONFIG, model: MARKUP }));
    await shown('got "model" "<');
    assertEquals(problems, []);
    await requirePolicy(page);
    await lines.cancel();
  } finally {
    server.kill("SIGKILL");
    await server.status;
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a report's policy names every script and style of the page, and nothing else", async () => {
  const html = reportHtml([{ name: "a", metrics: metricsOf(3), facts: {} }], PLOT_LIBRARY);
  const policy = /<meta http-equiv="Content-Security-Policy" content="([^"]*)">/.exec(html)![1].replaceAll(
    "&#39;",
    "'",
  );
  assert(html.indexOf("<meta http-equiv") < html.search(/<script|<style/), "the policy comes first");
  for (const kind of ["script", "style"]) {
    const contents = [...html.matchAll(new RegExp(`<${kind}>(.*?)</${kind}>`, "gs"))].map(([, content]) => content);
    const sums = await Promise.all(contents.map(async (content) => {
      const sum = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(content));
      return `'sha256-${btoa(String.fromCharCode(...new Uint8Array(sum)))}'`;
    }));
    assert(sums.length > 0);
    assertEquals(new RegExp(`${kind}-src ([^;]*)`).exec(policy)![1], sums.join(" "));
  }
  assertStringIncludes(policy, "default-src 'none'");
  assertEquals(policy.includes("unsafe"), false);
});
