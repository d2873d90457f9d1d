import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { sha256OfFile } from "../../lib/io/sha256.ts";
import { listCheckpoints } from "../../lib/run/checkpoint.ts";
import { readMetrics } from "../../lib/run/metrics_follower.ts";
import { Random } from "../harness/random.ts";
import { runTaskProcess, startTaskProcess } from "../harness/run_task.ts";

const STEPS = 600;
const MODEL = "--vocab-size 17 --context-length 8 --d-model 12 --num-layers 2 --num-heads 3 --d-ff 20".split(" ");
const TRAINING = `--batch-size 4 --steps ${STEPS} --valid-every 50 --valid-batches 2 --save-every 20`.split(" ");

async function withData(body: (dir: string, newRun: (name: string) => string[]) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    const random = new Random(5);
    for (const [name, length] of [["train", 700], ["valid", 100]] as const) {
      await writeNpy(`${dir}/${name}.npy`, Uint16Array.from(random.integers(length, 17)));
    }
    const data = ["--train", `${dir}/train.npy`, "--valid", `${dir}/valid.npy`, "--backend", "wasm"];
    await body(dir, (name) => [...data, ...MODEL, ...TRAINING, "--out", `${dir}/${name}`]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Everything of a run that must not depend on interruptions: metrics but the clock's, and the files' checksums. */
async function outcome(run: string) {
  const metrics = (await readMetrics(run)).map(({ tokensPerSecond: _, seconds: __, ...rest }) => rest);
  return {
    metrics,
    weights: await sha256OfFile(`${run}/model.safetensors`),
    best: await sha256OfFile(`${run}/best.safetensors`),
  };
}

/** The outcome of a run that was never stopped: those of this file's tests are of the same data and settings. */
let wholeOutcome: ReturnType<typeof outcome> | undefined;

async function outcomeOfWhole(dir: string, newRun: (name: string) => string[]): ReturnType<typeof outcome> {
  const { code, stderr } = await runTaskProcess("train-lm", newRun("whole"));
  assertEquals(code, 0, stderr);
  return await outcome(`${dir}/whole`);
}

async function namesIn(directory: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name);
}

/** Starts the task and sends a signal as soon as the run's metrics have reached a step. */
async function interruptAt(
  step: number,
  run: string,
  args: string[],
  signal: Deno.Signal,
): Promise<Deno.CommandStatus> {
  const process = startTaskProcess("train-lm", args);
  let isOver = false;
  const status = process.status.finally(() => isOver = true);
  while (!isOver) {
    const last = (await readMetrics(run).catch(() => [])).at(-1);
    if (last && last.step >= step) {
      process.kill(signal);
      // As a task runner passes on what the terminal has sent already.
      if (signal === "SIGINT") process.kill(signal);
      break;
    }
    // As long as a few steps take: a loop without a pause takes the core that the run needs.
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return await status;
}

Deno.test("a run killed several times at random moments goes on as one that was never stopped", async () => {
  await withData(async (dir, newRun) => {
    const expected = await (wholeOutcome ??= outcomeOfWhole(dir, newRun));
    const random = new Random(9);
    const run = `${dir}/killed`;
    const killedAt: number[] = [];
    for (let i = 0; i < 5; i++) {
      // Some fall before the first checkpoint, some between two, some while one is written.
      const step = i === 0 ? random.integer(0, 19) : killedAt[i - 1] + random.integer(0, 100);
      const { signal } = await interruptAt(step, run, i === 0 ? newRun("killed") : ["--resume", run], "SIGKILL");
      assertEquals(signal, "SIGKILL", "the run was over before it was killed");
      killedAt.push((await readMetrics(run)).at(-1)!.step);
    }
    // As a process leaves behind that is killed while it writes weights or a checkpoint; and a file that is the person's.
    await Deno.writeTextFile(`${run}/model.safetensors.bytelm-0123456789abcdef0123456789abcdef.tmp`, "half");
    await Deno.mkdir(`${run}/checkpoints/step-000000020.bytelm-fedcba9876543210fedcba9876543210.tmp`, {
      recursive: true,
    });
    await Deno.writeTextFile(`${run}/notes.tmp`, "mine");
    const end = await runTaskProcess("train-lm", ["--resume", run]);
    assertEquals(end.code, 0, end.stderr);
    assertEquals(expected.metrics.length, STEPS);
    assertEquals(await outcome(run), expected, `killed at steps ${killedAt.join(", ")}`);
    assertEquals((await namesIn(run)).filter((name) => name.endsWith(".tmp")), ["notes.tmp"]);
    assertEquals((await namesIn(`${run}/checkpoints`)).filter((name) => name.endsWith(".tmp")), []);

    // A run that is over is left alone, wherever its data are now.
    const times = async () => {
      const names = (await namesIn(run)).filter((name) => name !== "checkpoints");
      return await Promise.all(names.map(async (name) => [name, (await Deno.stat(`${run}/${name}`)).mtime?.getTime()]));
    };
    const before = await times();
    await Deno.remove(`${dir}/train.npy`);
    const over = await runTaskProcess("train-lm", ["--resume", run]);
    assertEquals([over.code, over.stderr], [0, ""]);
    assertStringIncludes(over.stdout, `All ${STEPS} steps have already been taken`);
    assertEquals(await times(), before);

    // But what is missing is made: the report, if a kill came before it, and config.json, if somebody removed it.
    const lost = ["config.json", "report.html"];
    const config = await Deno.readTextFile(`${run}/config.json`);
    for (const name of lost) await Deno.remove(`${run}/${name}`);
    const mended = await runTaskProcess("train-lm", ["--resume", run]);
    assertEquals(mended.code, 0, mended.stderr);
    assertMatch(mended.stderr, /^warning: .* had no config\.json; it was restored .*\n$/);
    assertEquals(JSON.parse(await Deno.readTextFile(`${run}/config.json`)), JSON.parse(config));
    assertStringIncludes(await Deno.readTextFile(`${run}/report.html`), run);
    assertEquals(
      (await times()).filter(([name]) => !lost.includes(String(name))),
      before.filter(([name]) => !lost.includes(String(name))),
    );
  });
});

Deno.test("SIGTERM stops a run in good order; a damaged checkpoint is named and the one before is used", async () => {
  await withData(async (dir, newRun) => {
    const expected = await (wholeOutcome ??= outcomeOfWhole(dir, newRun));
    const run = `${dir}/stopped`;
    const { code } = await interruptAt(100, run, newRun("stopped"), "SIGTERM");
    assertEquals(code, 143);
    const kept = await listCheckpoints(`${run}/checkpoints`);
    assertEquals(kept.length, 2);
    const stoppedAt = (await readMetrics(run)).length;
    assert(stoppedAt > 100 && stoppedAt < STEPS, `stopped after ${stoppedAt} steps`);
    assertStringIncludes(kept[1], String(stoppedAt));

    // One bit in the middle of the moments.
    const path = `${kept[1]}/optimizer.safetensors`;
    const bytes = await Deno.readFile(path);
    bytes[bytes.length >> 1] ^= 1;
    await Deno.writeFile(path, bytes);
    const end = await runTaskProcess("train-lm", ["--resume", run]);
    assertEquals(end.code, 0, end.stderr);
    assertStringIncludes(end.stderr, `warning: Cannot use checkpoint ${kept[1]}: got optimizer.safetensors`);
    assertMatch(end.stderr, new RegExp(`Continuing after step ${Number(/(\d+)$/.exec(kept[0])![1])} of ${STEPS}`));
    assertEquals(await outcome(run), expected);
  });
});

Deno.test("Ctrl-C ends a run with exit code 130, and so a resumed one", async () => {
  await withData(async (dir, newRun) => {
    const run = `${dir}/stopped`;
    assertEquals((await interruptAt(50, run, newRun("stopped"), "SIGINT")).code, 130);
    const steps = (await readMetrics(run)).length;
    assertEquals((await interruptAt(steps + 50, run, ["--resume", run], "SIGINT")).code, 130);
    const [, newest] = await listCheckpoints(`${run}/checkpoints`);
    assertStringIncludes(newest, String((await readMetrics(run)).length));
  });
});
