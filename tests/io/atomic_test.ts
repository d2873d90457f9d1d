import { assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../lib/errors.ts";
import { withTemporaryDirectory, writeDirectoryAtomically, writeFileAtomically } from "../../lib/io/atomic.ts";

const names = (dir: string) => Array.from(Deno.readDirSync(dir), (entry) => entry.name).sort();

async function inTemporaryDirectory(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("writeFileAtomically() replaces a file and leaves no temporary name", () =>
  inTemporaryDirectory(async (dir) => {
    await writeFileAtomically(`${dir}/new/a.txt`, "one");
    await writeFileAtomically(`${dir}/new/a.txt`, new TextEncoder().encode("two"));
    assertEquals(Deno.readTextFileSync(`${dir}/new/a.txt`), "two");
    assertEquals(names(`${dir}/new`), ["a.txt"]);
  }));

Deno.test("writeDirectoryAtomically() leaves the old directory whole when filling fails", () =>
  inTemporaryDirectory(async (dir) => {
    const path = `${dir}/run/`;
    await writeDirectoryAtomically(path, (tmp) => Deno.writeTextFile(`${tmp}/a`, "old"));
    await assertRejects(() => writeDirectoryAtomically(path, () => Promise.resolve()), UserError, "exists");
    await assertRejects(
      () =>
        writeDirectoryAtomically(path, async (tmp) => {
          await Deno.writeTextFile(`${tmp}/a`, "half");
          throw new Error("disk full");
        }, { replace: true }),
      Error,
      "disk full",
    );
    assertEquals(Deno.readTextFileSync(`${path}a`), "old");
    await writeDirectoryAtomically(path, (tmp) => Deno.writeTextFile(`${tmp}/b`, "new"), { replace: true });
    assertEquals(names(path), ["b"]);
    assertEquals(names(dir), ["run"]);
  }));

Deno.test({
  name: "temporary directories of processes that were killed are removed; those of living ones and others' stay",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inTemporaryDirectory(async (dir) => {
      const old = new Date(Date.now() - 3_600_000);
      const make = async (name: string, modified = old) => {
        await Deno.mkdir(`${dir}/${name}/inner`, { recursive: true });
        await Deno.utime(`${dir}/${name}`, modified, modified);
      };
      await make("run.0123abcd.tmp");
      // One that was only just made; another target's; ones that a person named; a file.
      await make("run.aaaaaaaa.tmp", new Date());
      await make("run2.0123abcd.tmp");
      await make("run.0123abcd.tmp2");
      await make("run.mine.tmp");
      await Deno.writeTextFile(`${dir}/run.bbbbbbbb.tmp`, "a file");
      const kept = ["run.0123abcd.tmp2", "run.aaaaaaaa.tmp", "run.bbbbbbbb.tmp", "run.mine.tmp", "run2.0123abcd.tmp"];
      await withTemporaryDirectory(`${dir}/run/`, async (living) => {
        await Deno.writeTextFile(`${living}/a`, "under way");
        await Deno.utime(living, old, old);
        await writeDirectoryAtomically(`${dir}/run`, (tmp) => Deno.writeTextFile(`${tmp}/a`, "new"));
        assertEquals(Deno.readTextFileSync(`${living}/a`), "under way");
        assertEquals(names(dir).filter((name) => `${dir}/${name}` !== living), ["run", ...kept]);
      });
      assertEquals(names(dir), ["run", ...kept]);
    }),
});
