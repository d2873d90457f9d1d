import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { readMetrics } from "../../lib/run/metrics_follower.ts";
import { main as trainLm } from "../../tasks/train_lm.ts";
import { capture } from "../cli/capture.ts";

const MODEL = "--vocab-size 17 --context-length 8 --d-model 12 --num-layers 1 --num-heads 3 --d-ff 20".split(" ");
const TRAINING = "--batch-size 2 --steps 12 --valid-every 4 --valid-batches 1 --save-every 3 --backend wasm".split(" ");

Deno.test("what cannot be written stops a run with one line that says how to go on; a report that cannot is a warning", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await writeNpy(`${dir}/ids.npy`, Uint16Array.from({ length: 100 }, (_, i) => i % 17));
    const run = `${dir}/run`;
    const args = ["--train", `${dir}/ids.npy`, "--valid", `${dir}/ids.npy`, ...MODEL, ...TRAINING];
    const whole = await capture(trainLm, ...args, "--out", `${dir}/whole`);
    assertEquals(whole.code, 0, whole.stderr);
    assertEquals(whole.stderr.includes("warning"), false);
    // As after a kill before the first checkpoint; something is in the place of the best weights and the report.
    await Deno.mkdir(run);
    await Deno.copyFile(`${dir}/whole/config.json`, `${run}/config.json`);
    for (const name of ["best.safetensors", "report.html"]) {
      await Deno.mkdir(`${run}/${name}/mine`, { recursive: true });
    }

    const stopped = await capture(trainLm, "--resume", run);
    assertEquals(stopped.code, 1, stopped.stderr);
    const lines = stopped.stderr.trimEnd().split("\n");
    assertMatch(lines.at(-2)!, /^warning: Cannot write .*report\.html: got ".* \(os error \d+\)", must /);
    assertMatch(lines.at(-1)!, /^error: Cannot write .*best\.safetensors: got ".* \(os error \d+\)", must /);
    assertStringIncludes(lines.at(-1)!, `continue with: deno task train-lm --resume ${run}`);
    assertEquals(stopped.stderr.match(/^\s+at /m), null);

    await Deno.remove(`${run}/best.safetensors`, { recursive: true });
    const end = await capture(trainLm, "--resume", run);
    assertEquals(end.code, 0, end.stderr);
    assertStringIncludes(end.stdout, "Trained 12 steps");
    assertStringIncludes(end.stderr, "warning: Cannot write");
    const losses = async (run: string) => (await readMetrics(run)).map(({ loss, validLoss }) => [loss, validLoss]);
    assertEquals(await losses(run), await losses(`${dir}/whole`));
    assertEquals(
      (await Array.fromAsync(Deno.readDir(run))).filter(({ name }) => name.endsWith(".tmp")),
      [],
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a warm-up that never ends is warned of; a run that diverges names the newest checkpoint", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await writeNpy(`${dir}/ids.npy`, Uint16Array.from({ length: 100 }, (_, i) => i % 17));
    const training = TRAINING.with(TRAINING.indexOf("--save-every") + 1, "1");
    const rate = ["--lr", "1e30", "--warmup-steps", "1000"];
    const args = ["--train", `${dir}/ids.npy`, ...MODEL, ...training, ...rate, "--out", `${dir}/run`];
    const { code, stderr } = await capture(trainLm, ...args);
    assertEquals(code, 1, stderr);
    assertStringIncludes(stderr, "warning: the learning rate never reaches 1e+30: the warm-up takes 1000 steps of 12");
    assertMatch(
      stderr,
      /error: Training stopped: loss \S{1,8} and gradient norm \S+ at step 3 \(learning rate .*newest checkpoint is kept: .*\/run\/checkpoints\/step-000000002\n/,
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
