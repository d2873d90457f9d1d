// The help text of each task, as last agreed. After a change: deno test -A tests/tasks/help_test.ts -- --update
import { assert, assertEquals } from "@std/assert";
import { assertSnapshot } from "@std/testing/snapshot";
import { BENCHES, main as bench } from "../../tasks/bench.ts";
import { VERSION } from "../../lib/version.ts";
import { HELP_WIDTH } from "../../tasks/cli/help_text.ts";
import { capture } from "../cli/capture.ts";
import { DECLARED_TASKS, runTaskProcess } from "../harness/run_task.ts";

/** After a paragraph on what it does comes how it is called; no line is too long. */
function assertReadable(help: string, command: string): void {
  const lines = help.trimEnd().split("\n");
  assertEquals(lines.filter((line) => line.length > HELP_WIDTH), []);
  const example = lines[lines.indexOf("") + 1];
  assert(example.startsWith(`  ${command}`), help);
  assert(!/\[options\]/.test(example), example);
}

Deno.test("--version of every task is that of the project", async () => {
  for (const name of DECLARED_TASKS.keys()) {
    const { code, stdout } = await runTaskProcess(name, ["--version"]);
    assertEquals([code, stdout], [0, `bytelm ${VERSION}, Deno ${Deno.version.deno}\n`]);
  }
});

Deno.test("--help", async (t) => {
  for (const name of DECLARED_TASKS.keys()) {
    await t.step(name, async (t) => {
      const { code, stdout, stderr } = await runTaskProcess(name, ["--help"]);
      assertEquals([code, stderr], [0, ""]);
      assertReadable(stdout, `deno task ${name}`);
      await assertSnapshot(t, stdout, { serializer: String });
    });
  }
});

Deno.test("bench NAME --help", async (t) => {
  for (const name of Object.keys(BENCHES)) {
    await t.step(name, async (t) => {
      const { code, stdout, stderr } = await capture(bench, name, "--help");
      assertEquals([code, stderr], [0, ""]);
      assertReadable(stdout, `deno task bench ${name}`);
      await assertSnapshot(t, stdout, { serializer: String });
    });
  }
});
