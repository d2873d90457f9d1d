import { assert, assertEquals, assertMatch } from "@std/assert";
import type { RunConfig } from "../../lib/run/run_directory.ts";
import { mergeConfigs } from "../../lib/run/merge_config.ts";
import { followSteps } from "../../tasks/train_lm/follow.ts";
import { capture } from "../cli/capture.ts";
import { metricsOf, STEPS } from "../report/runs.ts";

const CONFIG: RunConfig = {
  ...mergeConfigs([{ training: { steps: STEPS } }], 300),
  data: { train: { name: "train.npy", tokens: 1000, sha256: "0".repeat(64) } },
  backend: "wasm",
};

Deno.test("who follows a run sees its numbers, and at once that a stop was heard", async () => {
  const controller = new AbortController();
  async function* steps() {
    for (const metrics of metricsOf(60)) {
      yield metrics;
      // From here on the run's own work continues.
      if (metrics.step === 30) controller.abort();
      await Promise.resolve();
    }
  }
  const { stderr } = await capture(async () => {
    const machine = { mfu: () => 0.5, memory: () => "100 MiB" };
    const followed = await followSteps(steps(), CONFIG, machine, controller.signal);
    assertEquals([followed?.first.step, followed?.last.step], [0, 59]);
    return 0;
  });
  const lines = stderr.trimEnd().split("\n");
  const heard = lines.findIndex((line) => /^Stopping after the current step .*Ctrl-C again/.test(line));
  // Half a second a step; 89 are left.
  assertMatch(
    lines[heard - 1],
    /^step 31\/120 {2}loss .* {2}valid 5\.725 .* 0:4[45] left {2}lr .* 50\.00 % MFU {2}100 MiB$/,
  );
  assertMatch(lines.at(-1)!, /^step 60\/120 /);
  assert(!lines[0].includes("valid"), `${lines[0]} tells of a validation before there was one`);
});
