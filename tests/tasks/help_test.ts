// The help text of each task, as last agreed. After a change: deno test -A tests/tasks/help_test.ts -- --update
import { assert, assertEquals } from "@std/assert";
import { assertSnapshot } from "@std/testing/snapshot";
import { BENCHES, main as bench } from "../../tasks/bench.ts";
import { capture } from "../cli/capture.ts";
import { DECLARED_TASKS, runTaskProcess } from "../harness/run_task.ts";

Deno.test("--help", async (t) => {
  for (const name of DECLARED_TASKS.keys()) {
    await t.step(name, async (t) => {
      const { code, stdout, stderr } = await runTaskProcess(name, ["--help"]);
      assertEquals([code, stderr], [0, ""]);
      assert(stdout.includes(`deno task ${name}`), stdout);
      await assertSnapshot(t, stdout, { serializer: String });
    });
  }
});

Deno.test("bench NAME --help", async (t) => {
  for (const name of Object.keys(BENCHES)) {
    await t.step(name, async (t) => {
      const { code, stdout, stderr } = await capture(bench, name, "--help");
      assertEquals([code, stderr], [0, ""]);
      assert(stdout.includes(`deno task bench ${name}`), stdout);
      await assertSnapshot(t, stdout, { serializer: String });
    });
  }
});
