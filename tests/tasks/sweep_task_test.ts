import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { sha256OfFile } from "../../lib/io/sha256.ts";
import { readMetrics } from "../../lib/run/metrics_follower.ts";
import { readResults } from "../../lib/run/sweep_results.ts";
import { OPTIMIZER_NAMES } from "../../lib/train/optimizer/registry.ts";
import { main } from "../../tasks/sweep.ts";
import { capture } from "../cli/capture.ts";
import { Random } from "../harness/random.ts";
import { runTaskProcess, startTaskProcess } from "../harness/run_task.ts";

const MODEL = "--vocab-size 17 --context-length 8 --d-model 12 --num-layers 1 --num-heads 3 --d-ff 20".split(" ");

async function withData(body: (dir: string, args: string[]) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    const random = new Random(6);
    for (const [name, length] of [["train", 700], ["valid", 100]] as const) {
      await writeNpy(`${dir}/${name}.npy`, Uint16Array.from(random.integers(length, 17)));
    }
    const data = ["--train", `${dir}/train.npy`, "--valid", `${dir}/valid.npy`, "--backend", "wasm"];
    await body(dir, [...data, ...MODEL, "--valid-every", "10", "--valid-batches", "2", "--save-every", "100"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("sweep writes a table with the best run marked and one report; again, it trains nothing", async () => {
  await withData(async (dir, args) => {
    const sweep = [...args, "--steps", "20", "--batch-size", "2,4", "--lr", "1e-3,1e30", "--out", `${dir}/out`];
    const { code, stdout, stderr } = await capture(main, ...sweep);
    assertEquals(code, 0, stderr);
    const table = (await Deno.readTextFile(`${dir}/out/sweep.tsv`)).split("\n").slice(0, -1).map((line) =>
      line.split("\t")
    );
    const column = (name: string) => table.slice(1).map((row) => row[table[0].indexOf(name)]);
    const names = ["batch-size-2_lr-1e-3", "batch-size-2_lr-1e30", "batch-size-4_lr-1e-3", "batch-size-4_lr-1e30"];
    assertEquals(column("run"), names);
    assertEquals(column("lr"), ["1e-3", "1e30", "1e-3", "1e30"]);
    assertEquals(column("status"), ["finished", "diverged", "finished", "diverged"]);
    const lowest = async (name: string) =>
      Math.min(...(await readMetrics(`${dir}/out/${name}`)).map(({ validLoss }) => validLoss ?? Infinity));
    const losses = [await lowest(names[0]), await lowest(names[2])];
    assertEquals(column("lowestValidLoss"), [losses[0].toFixed(4), "", losses[1].toFixed(4), ""]);
    assertEquals(column("best"), losses[0] < losses[1] ? ["*", "", "", ""] : ["", "", "*", ""]);
    assertStringIncludes(stdout, `Best: ${dir}/out/${names[losses[0] < losses[1] ? 0 : 2]}`);
    assertStringIncludes(stdout, `${names[1]} diverged: Training stopped`);
    const html = await Deno.readTextFile(`${dir}/out/report.html`);
    assertStringIncludes(html, `<h1>Sweep ${dir}/out: 4 runs</h1>`);
    for (const name of names) assertStringIncludes(html, `</i> ${name}</label>`);
    assertStringIncludes(html, '"axes":[{"name":"batch-size","values":["2","4"]');

    const again = await capture(main, ...sweep);
    assertEquals(again.code, 0, again.stderr);
    assertEquals(again.stdout, stdout);
    assert(!again.stderr.includes(" of 4)"), again.stderr);
  });
});

Deno.test("sweep stops on SIGINT, says so by its exit code and files, and goes on to the same weights", async () => {
  await withData(async (dir, args) => {
    const sweep = (out: string) => [...args, "--steps", "300", "--lr", "1e-3,3e-3", "--out", `${dir}/${out}`];
    const whole = await runTaskProcess("sweep", sweep("whole"));
    assertEquals(whole.code, 0, whole.stderr);

    const process = startTaskProcess("sweep", sweep("stopped"));
    let isOver = false;
    const status = process.status.finally(() => isOver = true);
    while (!isOver) {
      if ((await readMetrics(`${dir}/stopped/lr-3e-3`).catch(() => [])).length > 20) {
        process.kill("SIGINT");
        break;
      }
      // Lets the process's end be seen; reading the file paces the loop.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    assertEquals((await status).code, 130);
    const stopped = await readResults(`${dir}/stopped`);
    assertEquals(stopped.map(({ status }) => status), ["finished", "stopped"]);
    const { steps } = stopped[1];
    assert(steps > 20 && steps < 300, `stopped after ${steps} steps`);

    const end = await runTaskProcess("sweep", sweep("stopped"));
    assertEquals(end.code, 0, end.stderr);
    assertMatch(end.stderr, new RegExp(`lr-3e-3 \\(2 of 2\\), continuing after step ${steps}`));
    for (const run of ["lr-1e-3", "lr-3e-3"]) {
      const sums = ["whole", "stopped"].map((out) => sha256OfFile(`${dir}/${out}/${run}/model.safetensors`));
      assertEquals(await sums[0], await sums[1], run);
    }
  });
});

Deno.test("a value counts once, however it is written, and sweep says so", async () => {
  await withData(async (dir, args) => {
    const flags = ["--steps", "1", "--lr", "1e-3,0.001,1e-03,1e-2", "--optimizer", "adamw,adamw"];
    const { code, stderr } = await capture(main, ...args, ...flags, "--out", `${dir}/out`);
    assertEquals(code, 0, stderr);
    for (const [again, first] of [["--lr 0.001", "1e-3"], ["--lr 1e-03", "1e-3"], ["--optimizer adamw", "adamw"]]) {
      assertStringIncludes(stderr, `warning: ${again} is the same as ${first}, and is used only once\n`);
    }
    const names = (await readResults(`${dir}/out`)).map(({ name }) => name);
    assertEquals(names, ["optimizer-adamw_lr-1e-3", "optimizer-adamw_lr-1e-2"]);
  });
});

Deno.test("sweep refuses what is no sweep, a value that train-lm refuses, and a changed setting", async () => {
  await withData(async (dir, args) => {
    const refused = async (flags: string[], code: number, problem: RegExp) => {
      const result = await capture(main, ...args, ...flags, "--out", `${dir}/out`);
      assertEquals(result.code, code, result.stderr);
      assertMatch(result.stderr.trimEnd().split("\n").at(-1)!, problem);
    };
    await refused(["--lr", "1e-3"], 2, /no flag has several values/);
    await refused(["--lr", "1e-3,fast"], 2, /got --lr fast, must be a number/);
    await refused(
      ["--optimizer", "adamw,adam"],
      2,
      new RegExp(`got --optimizer adam, must be one of ${OPTIMIZER_NAMES.join(", ")}`),
    );
    await refused(["--lr", "1e-3,0"], 2, /got --lr 0, must be a number above 0/);
    await refused(["--minutes", "1,2"], 2, /unknown argument --minutes/);
    await Deno.mkdir(`${dir}/out`);
    await Deno.writeTextFile(`${dir}/out/report.html`, "of a run");
    await refused(["--lr", "1e-3,1e-2"], 1, /holds something else \(report\.html\), must be a new one or a sweep's/);
    assertEquals(await Deno.readTextFile(`${dir}/out/report.html`), "of a run");
    await Deno.remove(`${dir}/out/report.html`);
    const { code, stderr } = await capture(main, ...args, "--lr", "1e-3,1e-2", "--steps", "2", "--out", `${dir}/out`);
    assertEquals(code, 0, stderr);
    await refused(["--lr", "1e-3,1e-2", "--steps", "3"], 1, /got training\.steps 3, must be 2 as in its run lr-1e-3/);
  });
});
