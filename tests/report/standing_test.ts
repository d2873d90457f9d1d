// What a report says about a run's status.
import { assertEquals, assertMatch } from "@std/assert";
import { sha256 } from "../../lib/io/sha256.ts";
import { lineOf } from "../../lib/run/metrics_line.ts";
import { dashboardHandler } from "../../tasks/dashboard/handler.ts";
import { main as report } from "../../tasks/report.ts";
import { capture } from "../cli/capture.ts";
import { CONFIG, linesOf, makeRun, metricsOf, withRun } from "./runs.ts";

Deno.test("report and dashboard show a run whose losses are NaN or infinite as one that diverged", async () => {
  await withRun(async (dir, run) => {
    const metrics = metricsOf(40);
    const spoiled = metrics.map((line) => line.step === 39 ? { ...line, validLoss: NaN } : line);
    const given = lineOf({ step: 40, diverged: "Cannot go on: got <b>" });
    const shown = [
      // As JSON.stringify writes it, and as it is written now.
      [
        linesOf(spoiled),
        /^40 of 120 steps in 0:20, diverged at step 40, loss 6\.000 → .*, validation loss NaN, .*; The val/,
      ],
      [spoiled.map(lineOf).join(""), /diverged at step 40, .*; The validation loss was NaN$/],
      [
        lineOf({ ...metrics[0], loss: Infinity }),
        /^1 of 120 steps in 0:00, diverged at step 1, .*; The loss was Infinity$/,
      ],
      [linesOf(metrics) + given, /^40 of 120 steps in 0:20, diverged at step 41, .*; Cannot go on: got &lt;b>$/],
      [given, /^None of 120 steps taken yet, diverged at step 41; Cannot go on: got &lt;b>$/],
    ] as const;
    for (const [log, summary] of shown) {
      await Deno.writeTextFile(`${run}/metrics.jsonl`, log);
      const { code, stderr } = await capture(report, "--run", run, "--out", `${dir}/report.html`, "--force");
      assertEquals(code, 0, stderr);
      const response = await dashboardHandler([run], () => 80)(new Request("http://localhost/"));
      for (const html of [await Deno.readTextFile(`${dir}/report.html`), await response.text()]) {
        assertMatch(summaryOf(html), summary);
        assertEquals(/lowest validation loss<\/th><td>(NaN|Infinity)/.test(html), false);
      }
    }
  });
});

/** The line with the run's status. */
function summaryOf(html: string): string {
  return /<div id="summary"><p>(.*)<\/p><\/div>/.exec(html)![1].replaceAll("&gt;", ">");
}

Deno.test("a run that stopped early is shown as such, until it has more patience", async () => {
  await withRun(async (dir, run) => {
    const [first, ...rest] = metricsOf(40);
    const losses = [2, 1, 3, 4];
    const metrics = [first, ...rest].map((line) => ({ ...line, validLoss: losses[(line.step + 1) / 10 - 1] }));
    const last = { ...metrics.at(-1)!, stoppedEarly: true as const };
    const shown = async (log: string, patience?: number) => {
      await makeRun(run, [], { ...CONFIG, training: { ...CONFIG.training, ...(patience && { patience }) } });
      await Deno.writeTextFile(`${run}/model.safetensors`, "");
      await Deno.writeTextFile(`${run}/metrics.jsonl`, log);
      const { code, stderr } = await capture(report, "--run", run, "--out", `${dir}/report.html`, "--force");
      assertEquals(code, 0, stderr);
      return summaryOf(await Deno.readTextFile(`${dir}/report.html`));
    };
    const early = linesOf([...metrics.slice(0, -1), last]);
    assertMatch(await shown(early, 2), /^40 of 120 steps in 0:20, stopped early: 2 validations without a lower loss, /);
    assertMatch(await shown(early, 3), /^40 of 120 steps in 0:20, stopped \(continue it: .*\), /);
    assertMatch(await shown(early), /^40 of 120 steps in 0:20, stopped \(continue it: .*\), /);
    // As a version before this one left the log of a run that went on.
    const later = early + linesOf(metricsOf(120, { from: 40 }));
    assertMatch(await shown(later, 2), /^120 of 120 steps in 1:00, finished, /);
  });
});

Deno.test("a report says whether a run finished, stopped or may still run, and shows what was run", async () => {
  await withRun(async (dir, run) => {
    const shown = async () => {
      const { code, stderr } = await capture(report, "--run", run, "--out", `${dir}/report.html`, "--force");
      assertEquals(code, 0, stderr);
      return summaryOf(await Deno.readTextFile(`${dir}/report.html`));
    };
    assertMatch(
      await shown(),
      /^40 of 120 steps in 0:20, about 0:39 to go if it is still running \(if it was killed, continue it: deno task train-lm --resume .*\), loss 6\.000 → /,
    );
    await Deno.writeTextFile(`${run}/model.safetensors`, "");
    assertMatch(
      await shown(),
      /^40 of 120 steps in 0:20, stopped \(continue it: deno task train-lm --resume .*\/run\), loss 6\.000 → /,
    );
    await makeRun(run, metricsOf(120));
    assertMatch(await shown(), /^120 of 120 steps in 1:00, finished, loss 6\.000 → /);
    // A log of which the beginning is gone does not know the first loss.
    await makeRun(run, metricsOf(120, { from: 7 }));
    assertMatch(await shown(), /^120 of 120 steps in 1:00, finished, loss \d\.\d+, validation/);

    // config.json is edited after a checkpoint; the run continues from the checkpoint.
    const file = { bytes: 0, sha256: sha256("") };
    const files = { "weights.safetensors": file, "optimizer.safetensors": file };
    const state = { step: 40, seconds: 20, config: CONFIG, files };
    await Deno.mkdir(`${run}/checkpoints/step-000000040`, { recursive: true });
    await Deno.writeTextFile(
      `${run}/checkpoints/step-000000040/checkpoint.json`,
      JSON.stringify({ ...state, sha256: sha256(JSON.stringify(state)) }),
    );
    await makeRun(run, metricsOf(120), { ...CONFIG, training: { ...CONFIG.training, steps: 500 } });
    assertMatch(
      await shown(),
      /^120 of 120 steps in 1:00, finished, .*; config\.json was edited since the run started: got training\.steps 500, must be 120/,
    );
  });
});
