// What a resumed run does with the log that it finds.
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { sha256OfFile } from "../../lib/io/sha256.ts";
import { listCheckpoints } from "../../lib/train/checkpoint.ts";
import { readLog, readMetrics } from "../../lib/train/metrics_follower.ts";
import { main as trainLm } from "../../tasks/train_lm.ts";
import { capture } from "../cli/capture.ts";

const MODEL = "--vocab-size 17 --context-length 8 --d-model 12 --num-layers 1 --num-heads 3 --d-ff 20".split(" ");
const TRAINING = "--batch-size 2 --steps 12 --save-every 5 --backend wasm".split(" ");

/** A run of 12 steps as a kill after step 10 leaves it: with a checkpoint of 10 steps, and a log that goes on. */
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
    assertMatch(stderr, /^error: Cannot read .*metrics\.jsonl, line 4: got text that is not JSON .*, must be JSON\. /m);
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
    const step = Number(/at step (\d+) \(counted from 0/.exec(stderr)![1]);
    const { metrics, divergence } = await readLog(`${run}/diverged`);
    assertEquals(metrics.map(({ step }) => step), Array.from({ length: step }, (_, i) => i));
    assertEquals(divergence?.step, step);
    assertStringIncludes(stderr, divergence!.diverged);
    const html = await Deno.readTextFile(`${run}/diverged/report.html`);
    assertStringIncludes(html, `diverged at step ${step} (counted from 0)`);
    assertEquals(html.includes(" to go"), false);
    // It diverges again, at the same step: that is logged once.
    assertEquals((await capture(trainLm, "--resume", `${run}/diverged`)).code, 1);
    const losses = (all: typeof metrics) => all.map(({ loss }) => loss);
    const again = await readLog(`${run}/diverged`);
    assertEquals([losses(again.metrics), again.divergence], [losses(metrics), divergence]);
  });
});
