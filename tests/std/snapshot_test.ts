import { assertEquals, AssertionError, assertRejects } from "@std/assert";
import { assertSnapshot, serialize } from "@std/testing/snapshot";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

// What a text may hold that its file must escape.
const HARD = "`a` ${b} \\n\n'c' \"d\" \r\né";

Deno.test("a snapshot is what was written of a value before", async (t) => {
  await assertSnapshot(t, HARD);
  await assertSnapshot(t, { b: [1, "2"], a: new Map([["x", undefined]]) });
  await assertSnapshot(t, HARD, { serializer: (text) => serialize(text).toUpperCase(), name: "upper" });
  await t.step("step", (t) => assertSnapshot(t, serialize("x")));
});

Deno.test("Deno's own t.assertSnapshot reads the same file in the same way", async (t) => {
  const path = "__snapshots__/snapshot_test.ts.snap";
  await t.assertSnapshot(HARD, { path, name: "a snapshot is what was written of a value before" });
});

Deno.test("another value than the one written is refused, and so is one of which nothing was", async (t) => {
  const compare = (name: string, path?: string) => () => assertSnapshot(t, HARD, { mode: "assert", name, path });
  await assertRejects(compare("no such name"), AssertionError, "Missing snapshot: no such name 1");
  await assertRejects(compare("any", "no_such_file.snap"), AssertionError, "Missing snapshot file.");
  const other = { mode: "assert", path: "__snapshots__/other.snap", name: "text" } as const;
  await assertRejects(() => assertSnapshot(t, "a", other), AssertionError, "Snapshot does not match");
  await assertRejects(() => assertSnapshot(t, "a", { ...other, msg: "why" }), AssertionError, "why");
});

Deno.test("-- --update writes what differs and drops what nobody asks for; then the tests pass", () =>
  inTemporaryDirectory(async (directory) => {
    const root = new URL("../../", import.meta.url);
    const test = `${directory}/some_test.ts`;
    const snapshots = `${directory}/__snapshots__/some_test.ts.snap`;
    const run = async (value: string, ...args: string[]) => {
      await Deno.writeTextFile(
        test,
        `import { assertSnapshot } from ${JSON.stringify(import.meta.resolve("@std/testing/snapshot"))};
        Deno.test("of a \`value\`", (t) => assertSnapshot(t, ${value}));`,
      );
      const command = ["test", "--no-check", "--no-lock", "--quiet", "--allow-read", "--allow-write", test, ...args];
      const { code, stdout } = await new Deno.Command(Deno.execPath(), { args: command, cwd: root }).output();
      return { code, said: new TextDecoder().decode(stdout) };
    };
    assertEquals((await run('"a"')).code, 1);
    await run('"a\\nb"', "--", "--update");
    const written = await Deno.readTextFile(snapshots);
    assertEquals(written, 'export const snapshot = {};\n\nsnapshot[`of a \\`value\\` 1`] = `\n"a\nb"\n`;\n');
    await Deno.writeTextFile(snapshots, `${written}\nsnapshot[\`gone 1\`] = \`1\`;\n`);
    assertEquals((await run('"a\\nb"')).code, 0);
    const { code, said } = await run('"a\\nc"');
    assertEquals([code, said.includes("-- --update")], [1, true], said);
    await run('"a\\nc"', "--", "-u");
    assertEquals(await Deno.readTextFile(snapshots), written.replace("\nb", "\nc"));
  }));
