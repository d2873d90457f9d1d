// A sweep's directory in place of its runs.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type SweepResult, writeResults } from "../../lib/run/sweep_results.ts";
import { WatchedRuns } from "../../tasks/dashboard/watched_runs.ts";
import { main as report } from "../../tasks/report.ts";
import { sweepTitle } from "../../tasks/report/report_subject.ts";
import { writeReport } from "../../tasks/report/write_report.ts";
import { capture } from "../cli/capture.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";
import { CONFIG, makeRun, metricsOf } from "./runs.ts";

const RATES = ["1e-2", "1e-3", "1e-4"];

const waiting = (rate: string): SweepResult => ({
  name: `lr-${rate}`,
  settings: { lr: rate },
  status: "waiting",
  steps: 0,
});

const configOf = (rate: string) => ({ ...CONFIG, training: { ...CONFIG.training, lr: Number(rate), minLr: 0 } });

/** A sweep of three runs, of which the first two have begun. */
async function makeSweep(sweep: string): Promise<void> {
  await Deno.mkdir(sweep);
  await writeResults(sweep, RATES.map(waiting));
  for (const rate of RATES.slice(0, 2)) await makeRun(`${sweep}/lr-${rate}`, metricsOf(40), configOf(rate));
}

Deno.test("report of a sweep's directory is on its runs that have begun, with its title and its settings", async () => {
  await inTemporaryDirectory(async (dir) => {
    const sweep = `${dir}/sweep`;
    await makeSweep(sweep);
    // With a slash at its end, as the shell completes names of directories.
    for (const path of [sweep, `${sweep}/`]) {
      const { code, stdout, stderr } = await capture(report, "--run", path);
      assertEquals([code, stdout], [0, `Written to ${path}/report.html\n`], stderr);
    }
    const html = await Deno.readTextFile(`${sweep}/report.html`);
    assertStringIncludes(html, `<h1>Sweep ${sweep}: 2 of 3 runs</h1>`);
    // It is the page that the sweep itself leaves.
    const begun = RATES.slice(0, 2);
    const settings = new Map(begun.map((lr) => [`${sweep}/lr-${lr}`, { lr }]));
    await writeReport([...settings.keys()], `${dir}/own.html`, undefined, { title: sweepTitle(sweep, 2, 3), settings });
    assertEquals(html, await Deno.readTextFile(`${dir}/own.html`));
    assertStringIncludes(html, '"axes":[{"name":"lr","values":["1e-3","1e-2"]');

    // Beside another run it is one of several things, with no title of its own, and its settings stay in the table.
    await makeRun(`${dir}/run`, metricsOf(40));
    const both = await capture(report, "--run", sweep, "--run", `${dir}/run`, "--out", `${dir}/both.html`);
    assertEquals(both.code, 0, both.stderr);
    const mixed = await Deno.readTextFile(`${dir}/both.html`);
    assertStringIncludes(mixed, `<h1>Training runs in ${dir}: sweep/lr-1e-2, sweep/lr-1e-3, run</h1>`);
    assertStringIncludes(mixed, "<th><button>lr</button></th>");
    const needed = await capture(report, "--run", sweep, "--run", `${dir}/run`);
    assertEquals(needed.code, 2, "several need --out");
  });
});

Deno.test("report of a sweep refuses one that has not begun, is damaged, or names what is not its own", async () => {
  await inTemporaryDirectory(async (dir) => {
    const sweep = `${dir}/sweep`;
    await makeSweep(sweep);
    await makeRun(`${dir}/elsewhere`, metricsOf(3));
    const refused = async (problem: string) => {
      const { code, stdout, stderr } = await capture(report, "--run", sweep);
      assertEquals([code, stdout], [1, ""]);
      assertStringIncludes(stderr, problem);
    };
    for (const name of ["../elsewhere", "", ".", "..", "a\nb", "a\\b"]) {
      await writeResults(sweep, [{ ...waiting("1"), name }]);
      await refused("must be the name of a directory");
    }
    await writeResults(sweep, [waiting("1")]);
    await refused(`Cannot read the sweep ${sweep}: none of its runs has started`);
    await Deno.writeTextFile(`${sweep}/sweep.json`, "no JSON");
    await refused("sweep.json: got text that is not JSON");
    assert(!(await Array.fromAsync(Deno.readDir(sweep))).some(({ name }) => name === "report.html"));

    // What the page is made of is not written over.
    await writeResults(sweep, RATES.map(waiting));
    for (const name of ["sweep.json", "sweep.tsv", "lr-1e-2/metrics.jsonl"]) {
      const { code, stderr } = await capture(report, "--run", sweep, "--out", `${sweep}/${name}`, "--force");
      assertEquals(code, 2, stderr);
    }
  });
});

Deno.test("the dashboard of a sweep shows all its runs, those that come later too, and is another version then", async () => {
  await inTemporaryDirectory(async (dir) => {
    const sweep = `${dir}/sweep`;
    const watched = new WatchedRuns([sweep]);
    const shown = async () => {
      const { reports, title, version } = await watched.poll();
      return {
        title,
        version,
        runs: reports.map(({ name, metrics, settings }) => [name, metrics.length, settings?.lr]),
      };
    };
    // Until it starts, it could be a run.
    const none = await shown();
    assertEquals([none.title, none.runs], [undefined, [[sweep, 0, undefined]]]);
    await makeSweep(sweep);
    const first = await shown();
    assertEquals(first.title, `Sweep ${sweep}: 3 runs`);
    const runs = [[`${sweep}/lr-1e-2`, 40, "1e-2"], [`${sweep}/lr-1e-3`, 40, "1e-3"], [`${sweep}/lr-1e-4`, 0, "1e-4"]];
    assertEquals(first.runs, runs);
    assert(first.version !== none.version);
    assertEquals(await shown(), first);

    await makeRun(`${sweep}/lr-1e-4`, metricsOf(7), configOf("1e-4"));
    assertEquals((await shown()).runs[2], [`${sweep}/lr-1e-4`, 7, "1e-4"]);
    await writeResults(sweep, [...RATES, "1e-5"].map(waiting));
    const more = await shown();
    assertEquals(more.title, `Sweep ${sweep}: 4 runs`);
    assertEquals(more.runs.length, 4);
    // A value that was left out is no part of it any more: the version tells.
    await writeResults(sweep, RATES.map(waiting));
    const fewer = await shown();
    assertEquals(fewer.runs.length, 3);
    assert(new Set([none, first, more, fewer].map(({ version }) => version)).size === 4);

    await Deno.writeTextFile(`${sweep}/sweep.json`, "no JSON");
    const { reports: [broken], version } = await watched.poll();
    assertStringIncludes(broken.status!, "Cannot show the sweep: Cannot read");
    assertEquals((await watched.poll()).version, version);
  });
});
