// What a resumed run does with the log that it finds.
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { UserError } from "../../lib/errors.ts";
import { sha256OfFile } from "../../lib/io/sha256.ts";
import { listCheckpoints } from "../../lib/run/checkpoint.ts";
import { readFirstMetrics, readLog, readMetrics } from "../../lib/run/metrics_follower.ts";
import { missingSteps } from "../../lib/run/metrics_log.ts";
import { main as trainLm } from "../../tasks/train_lm.ts";
import { capture } from "../cli/capture.ts";
import { linesOf, metricsOf } from "../report/runs.ts";

const MODEL = "--vocab-size 17 --context-length 8 --d-model 12 --num-layers 1 --num-heads 3 --d-ff 20".split(" ");
const TRAINING = "--batch-size 2 --steps 12 --save-every 5 --backend wasm".split(" ");

/** A run of 12 steps as a kill after step 10 leaves it: with a checkpoint of 10 steps, and a longer log. */
async function withKilledRun(body: (run: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await writeNpy(`${dir}/ids.npy`, Uint16Array.from({ length: 100 }, (_, i) => i % 17));
    const { code, stderr } = await capture(
      trainLm,
      "--train",
      `${dir}/ids.npy`,
      ...MODEL,
      ...TRAINING,
      "--out",
      `${dir}/run`,
    );
    assertEquals(code, 0, stderr);
    const newest = (await listCheckpoints(`${dir}/run/checkpoints`)).at(-1)!;
    assertMatch(newest, /step-000000012$/);
    await Deno.remove(newest, { recursive: true });
    await body(`${dir}/run`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const lossesOf = async (run: string) => (await readMetrics(run)).map(({ step, loss }) => [step, loss]);

Deno.test("a resumed run says the loss that it began with, and keeps its own lines alone, whatever comes after", async () => {
  await withKilledRun(async (run) => {
    const expected = await lossesOf(run);
    const log = await Deno.readTextFile(`${run}/metrics.jsonl`);
    // Ten lines are the checkpoint's; the eleventh is damaged.
    const lines = log.split("\n");
    await Deno.writeTextFile(`${run}/metrics.jsonl`, lines.with(10, "\0\xff no JSON").join("\n"));
    const { code, stdout, stderr } = await capture(trainLm, "--resume", run);
    assertEquals(code, 0, stderr);
    assertStringIncludes(
      stdout,
      `Trained 12 steps on wasm: loss ${expected[0][1].toFixed(3)} → ${expected[11][1].toFixed(3)}`,
    );
    assertEquals(await lossesOf(run), expected);
    const html = await Deno.readTextFile(`${run}/report.html`);
    assertStringIncludes(html, `finished, loss ${expected[0][1].toFixed(3)} → `);
  });
});

Deno.test("a run whose log has a faulty line before its checkpoint is refused with every file as it was", async () => {
  await withKilledRun(async (run) => {
    const lines = (await Deno.readTextFile(`${run}/metrics.jsonl`)).split("\n");
    await Deno.writeTextFile(`${run}/metrics.jsonl`, lines.with(3, "no JSON").join("\n"));
    const names = ["metrics.jsonl", "model.safetensors", "report.html", "config.json"];
    const sums = async () => [
      ...await Promise.all(names.map((name) => sha256OfFile(`${run}/${name}`))),
      ...await listCheckpoints(`${run}/checkpoints`),
    ];
    const before = await sums();
    const { code, stderr } = await capture(trainLm, "--resume", run);
    assertEquals(code, 1);
    assertMatch(
      stderr,
      /^error: Cannot read .*metrics\.jsonl, line 4: got text that is not JSON .*\. Restore the file/m,
    );
    assert(!/^\s+at /m.test(stderr), stderr);
    assertEquals(await sums(), before);
  });
});

Deno.test("a run that diverges logs that it did, which a resumed one drops", async () => {
  await withKilledRun(async (run) => {
    const args = ["--train", `${run}/../ids.npy`, ...MODEL, "--batch-size", "2", "--steps", "12", "--backend", "wasm"];
    const rate = ["--lr", "1e30", "--warmup-steps", "0", "--save-every", "1"];
    const { code, stderr } = await capture(trainLm, ...args, ...rate, "--out", `${run}/diverged`);
    assertEquals(code, 1);
    const step = Number(/at step (\d+) \(/.exec(stderr)![1]) - 1;
    const { metrics, divergence } = await readLog(`${run}/diverged`);
    assertEquals(metrics.map(({ step }) => step), Array.from({ length: step }, (_, i) => i));
    assertEquals(divergence?.step, step);
    // What to try is said in the library's words there, and in flags here.
    const [what, toTry] = divergence!.diverged.split(" Try ");
    assertStringIncludes(stderr, what);
    assertStringIncludes(toTry, "warmupSteps");
    assertStringIncludes(stderr, "--warmup-steps");
    const html = await Deno.readTextFile(`${run}/diverged/report.html`);
    assertStringIncludes(html, `diverged at step ${step + 1}`);
    assertEquals(html.includes(" to go"), false);
    // It diverges again, at the same step: that is logged once.
    assertEquals((await capture(trainLm, "--resume", `${run}/diverged`)).code, 1);
    const losses = (all: typeof metrics) => all.map(({ loss }) => loss);
    const again = await readLog(`${run}/diverged`);
    assertEquals([losses(again.metrics), again.divergence], [losses(metrics), divergence]);
  });
});

Deno.test("steps that a resumed run's log lacks are named, and it goes on to the same weights", async () => {
  await withKilledRun(async (run) => {
    const path = `${run}/metrics.jsonl`;
    const lines = (await Deno.readTextFile(path)).split("\n");
    const sum = await sha256OfFile(`${run}/model.safetensors`);
    await Deno.writeTextFile(path, lines.toSpliced(4, 1).join("\n"));
    const { code, stderr } = await capture(trainLm, "--resume", run);
    assertEquals(code, 0, stderr);
    const warnings = stderr.split("\n").filter((line) => line.startsWith("warning: "));
    assertEquals(warnings.length, 1, stderr);
    assertStringIncludes(warnings[0], `${path} has no line for step 5, so reports will not show it`);
    assertEquals(await sha256OfFile(`${run}/model.safetensors`), sum);
    assertEquals((await lossesOf(run)).length, 11);
  });
});

Deno.test("every step that a log lacks before the checkpoint is named, and none after", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const path = `${dir}/metrics.jsonl`;
    const all = metricsOf(12);
    const missing = async (steps: readonly number[]) => {
      await Deno.writeTextFile(path, linesOf(all.filter(({ step }) => steps.includes(step))));
      const text = await missingSteps(dir, 10);
      return text && /has no line for steps? (.*), so reports/.exec(text)![1];
    };
    assertStringIncludes((await missingSteps(dir, 10))!, `${path} has no line for steps 1 to 10, so`);
    assertEquals(await missingSteps(dir, 0), undefined);
    assertEquals(await missing([]), "1 to 10");
    assertEquals(await missing([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), undefined);
    assertEquals(await missing([1, 2, 6, 7, 8]), "1, 4 to 6, 10");
    const property = fc.asyncProperty(fc.uniqueArray(fc.nat({ max: 11 })), async (kept) => {
      const named = (await missing(kept))?.split(", ").flatMap((stretch) => {
        const [from, to = from] = stretch.split(" to ").map(Number);
        return Array.from({ length: to - from + 1 }, (_, i) => from + i - 1);
      });
      assertEquals(named ?? [], Array.from({ length: 10 }, (_, i) => i).filter((step) => !kept.includes(step)));
    });
    await fc.assert(property, { seed: 5, numRuns: 50 });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a log that is no file is refused by its path before a step is taken", async () => {
  await withKilledRun(async (run) => {
    const path = `${run}/metrics.jsonl`;
    const makers = [
      ["a directory", () => Deno.mkdir(path)],
      ["a pipe or a device", () => new Deno.Command("mkfifo", { args: [path] }).output()],
    ] as const;
    for (const [what, make] of makers) {
      await Deno.remove(path);
      await make();
      const weights = await sha256OfFile(`${run}/model.safetensors`);
      const { code, stdout, stderr } = await capture(trainLm, "--resume", run);
      assertEquals([code, stdout], [1, ""], stderr);
      assertStringIncludes(stderr, `error: Cannot read ${path}: got ${what}, must be a file`);
      await assertRejects(() => readLog(run), UserError, `Cannot read ${path}: got ${what}`);
      await assertRejects(() => readFirstMetrics(run), UserError, `Cannot read ${path}: got ${what}`);
      assertEquals(await sha256OfFile(`${run}/model.safetensors`), weights);
    }
  });
});
