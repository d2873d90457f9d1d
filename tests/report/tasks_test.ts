import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { main as dashboard } from "../../tasks/dashboard.ts";
import { main as report } from "../../tasks/report.ts";
import { main as trainLm } from "../../tasks/train_lm.ts";
import { capture } from "../cli/capture.ts";
import { withRun } from "./runs.ts";

Deno.test("report and dashboard print their help, and refuse a command line that means nothing", async () => {
  for (const [name, main] of [["report", report], ["dashboard", dashboard]] as const) {
    const help = await capture(main, "--help");
    assertEquals(help.code, 0);
    assertStringIncludes(help.stdout, `deno task ${name} --run out/run`);
    for (
      const [args, problem] of [
        [[], "--run is required"],
        [["--run"], "--run needs a value"],
        [["--runs", "x"], "unknown argument --runs"],
        [["--run", "x", "y"], "y belongs to no flag"],
      ] as const
    ) {
      const { code, stdout, stderr } = await capture(main, ...args);
      assertEquals([code, stdout], [2, ""]);
      assertMatch(stderr, new RegExp(`^error: Cannot run ${name}: (got )?${problem}.*\n$`));
    }
  }
});

Deno.test("report writes into the run, or where it is told, and replaces a file only by --force", async () => {
  await withRun(async (dir, run) => {
    const inRun = await capture(report, "--run", run);
    assertEquals([inRun.code, inRun.stdout], [0, `Written to ${run}/report.html\n`], inRun.stderr);
    const again = await capture(report, "--run", run);
    assertEquals(again.code, 0, again.stderr);

    const out = `${dir}/out.html`;
    const args = ["--run", run, "--run", run, "--out", out];
    assertEquals((await capture(report, ...args)).code, 0);
    await Deno.writeTextFile(out, "mine");
    const refused = await capture(report, ...args);
    assertEquals([refused.code, refused.stderr.split(":")[1]], [1, ` Cannot write ${out}`]);
    assertEquals(await Deno.readTextFile(out), "mine");
    assertEquals((await capture(report, ...args, "--force")).code, 0);
    assertStringIncludes(await Deno.readTextFile(out), ">40 of 120<");
  });
});

Deno.test("a training that diverges leaves its report too", async () => {
  await withRun(async (dir) => {
    await writeNpy(`${dir}/ids.npy`, Uint16Array.from({ length: 100 }, (_, i) => i % 17));
    const model = "--vocab-size 17 --context-length 8 --d-model 12 --num-layers 1 --num-heads 3 --d-ff 20".split(" ");
    const training = "--steps 20 --batch-size 2 --optimizer sgd --lr 1e38 --clip 1e30 --backend wasm".split(" ");
    const { code, stderr } = await capture(
      trainLm,
      ...["--train", `${dir}/ids.npy`, "--out", `${dir}/diverged`, ...model, ...training],
    );
    assertEquals(code, 1);
    assertStringIncludes(stderr, "Training stopped");
    assertMatch(await Deno.readTextFile(`${dir}/diverged/report.html`), /\d of 20 steps/);
  });
});

Deno.test("report says which run it cannot read, and leaves nothing behind", async () => {
  await withRun(async (dir, run) => {
    await Deno.mkdir(`${dir}/empty`);
    const before = (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name).sort();
    for (
      const [args, code, problem] of [
        [["--run", run, "--run", run], 2, "Cannot report on 2 runs: --out is required"],
        [["--run", `${dir}/absent`], 1, `Cannot read ${dir}/absent: there is no such directory`],
        [["--run", `${run}/config.json`], 1, `Cannot read ${run}/config.json: got a file`],
        [["--run", `${dir}/empty`], 1, `Cannot open run ${dir}/empty: got no config.json`],
      ] as const
    ) {
      const result = await capture(report, ...args);
      assertEquals([result.code, result.stdout], [code, ""]);
      assertStringIncludes(result.stderr, `error: ${problem}`);
    }
    assertEquals((await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name).sort(), before);
    assertEquals(await Array.fromAsync(Deno.readDir(`${dir}/empty`)), []);
  });
});

Deno.test("dashboard refuses what is no directory, and a port that is taken", async () => {
  await withRun(async (_, run) => {
    const file = await capture(dashboard, "--run", `${run}/config.json`);
    assertEquals(file.code, 1);
    assertStringIncludes(file.stderr, "got a file, must be a directory");
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr as Deno.NetAddr;
    const { code, stdout, stderr } = await capture(dashboard, "--run", run, "--port", String(port));
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, new RegExp(`^error: Cannot serve on port ${port}: it is taken`));
    for (const port of ["65536", "-1", "1.5"]) {
      assertEquals((await capture(dashboard, "--run", run, `--port=${port}`)).code, 2, port);
    }
  });
});
