import { assert, assertEquals, assertMatch } from "@std/assert";
import { findAdapter, summarizeAdapter } from "../../lib/backend/webgpu/adapter.ts";
import { main } from "../../tasks/bench.ts";
import { type ChildResult, runChild } from "../../tasks/bench/child_task.ts";
import { GPU_PARTS, gpuJobs, type GpuResults, nameOf, runJobs } from "../../tasks/bench/gpu_parts.ts";
import { gpuRows } from "../../tasks/bench/gpu_rows.ts";
import { capture } from "../cli/capture.ts";
import { gpuTest } from "../harness/gpu.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const OPTIONS = {
  only: GPU_PARTS,
  shapes: ["trial", "small"],
  sizes: "64",
  maxRows: 64,
  rounds: 1,
  dtypes: ["f32", "f16"],
  software: false,
  torch: ["--torch", "python"],
};

const LM = { results: [{ shape: "trial", tokensPerSecond: 50, torch: { tokensPerSecond: 100 } }] };

Deno.test("bench gpu has a job for each part, or for those that are named, and PyTorch trains beside f32 alone", () => {
  assertEquals(new Set(gpuJobs(OPTIONS).map(({ part }) => part)), new Set(GPU_PARTS));
  const jobs = gpuJobs({ ...OPTIONS, only: ["profile", "lm"] });
  const keys = ["trial f32", "trial f16", "small f32", "small f16"];
  assertEquals(jobs.map(nameOf), [...keys.map((key) => `lm ${key}`), ...keys.map((key) => `profile ${key}`)]);
  assertEquals(jobs.filter(({ args }) => args.includes("--torch")).map(nameOf), ["lm trial f32", "lm small f32"]);
});

Deno.test("a job that fails or prints nonsense is kept with its reason, the others run, and each is kept at once", async () => {
  const jobs = gpuJobs({ ...OPTIONS, only: ["doctor", "lm", "profile"], shapes: ["trial"] });
  const answers: Readonly<Record<string, Omit<ChildResult, "seconds">>> = {
    doctor: { stdout: '{"selfTest":{"faults":[1]}}', failed: "exit code 1: wrong" },
    "lm trial f32": { stdout: JSON.stringify(LM) },
    "lm trial f16": { stdout: "", failed: "took longer than 180 s: training trial …" },
    "profile trial f32": { stdout: "no JSON" },
    "profile trial f16": { stdout: '{"seconds":2,"flops":8e9}' },
  };
  const results: GpuResults = { gpu: "a GPU", seconds: {} };
  const kept: string[] = [];
  const run = (job: Parameters<typeof nameOf>[0]) => Promise.resolve({ ...answers[nameOf(job)], seconds: 1.26 });
  const failures = await runJobs(jobs, results, run, (job) => {
    kept.push(nameOf(job));
    assertEquals(Object.keys(results.seconds), kept);
    return Promise.resolve();
  });
  assertEquals(kept, Object.keys(answers));
  assertEquals(failures, ["doctor", "lm trial f16", "profile trial f32"]);
  assertEquals(results, {
    gpu: "a GPU",
    seconds: Object.fromEntries(kept.map((name) => [name, 1.3])),
    doctor: { failed: "exit code 1: wrong", printed: { selfTest: { faults: [1] } } },
    lm: { "trial f32": LM, "trial f16": { failed: "took longer than 180 s: training trial …" } },
    profile: { "trial f32": { failed: "got no JSON from it" }, "trial f16": { seconds: 2, flops: 8e9 } },
  });
  assertEquals(GPU_PARTS.flatMap((part) => gpuRows(part, results)).map((row) => row.join("|")), [
    "doctor|failed|||",
    "training trial f32|50 tokens/s||100 tokens/s|0.50",
    "lm trial f16|failed|||",
    "profile trial f32|failed|||",
    "step of trial f16, by kernels|2.00 s|||",
    "  its arithmetic|4.00 GFLOP/s|||",
  ]);
});

Deno.test("a process that hangs is ended, and what it said is known; one that fails tells why", async () => {
  const hanging = await runChild(["eval", 'console.error("waiting"); setInterval(() => {}, 1000)'], 2);
  assertEquals(hanging.failed, "took longer than 2 s: waiting");
  assert(hanging.seconds < 6, `${hanging.seconds} s`);
  const deaf = await runChild(
    ["eval", 'Deno.addSignalListener("SIGTERM", () => {}); console.error("deaf"); setInterval(() => {}, 1000)'],
    2,
  );
  assertEquals(deaf.failed, "took longer than 2 s: deaf");
  const failing = await runChild(["eval", 'console.log("{}"); console.error("no luck"); Deno.exit(3)'], 60);
  assertEquals([failing.stdout, failing.failed], ["{}\n", "exit code 3: no luck"]);
});

Deno.test("bench gpu refuses parts that it does not know", async () => {
  const { code, stderr } = await capture(main, "gpu", "--only", "lm,everything");
  assertEquals(code, 2);
  assertMatch(stderr, /got part everything, must be one of doctor, lm/);
});

gpuTest("bench gpu keeps what it measures, of a software adapter only where it is asked to", async () => {
  await inTemporaryDirectory(async (directory) => {
    const out = `${directory}/gpu.json`;
    const args = ["gpu", "--only", "profile", "--shapes", "trial", "--out", out];
    const { description, software } = summarizeAdapter((await findAdapter()).adapter!);
    if (software) {
      const refused = await capture(main, ...args);
      assertEquals(refused.code, 1);
      assertMatch(refused.stderr, /got .*, which computes on the CPU, must be a GPU.*--software/);
    }
    const { code, stdout } = await capture(main, ...args, "--software", "--limit", "300");
    assertEquals(code, 0);
    assertMatch(stdout, /step of trial f32, by kernels/);
    const { gpu, profile } = JSON.parse(await Deno.readTextFile(out));
    assertEquals(gpu, description);
    assert(profile["trial f32"].seconds > 0);
  });
});
