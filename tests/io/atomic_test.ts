import { assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../lib/errors.ts";
import { withTemporaryDirectory, writeDirectoryAtomically, writeFileAtomically } from "../../lib/io/atomic.ts";
import { lockDirectory } from "../../lib/io/lock.ts";
import { PendingFile } from "../../lib/io/pending_file.ts";
import { PathExistsError } from "../../lib/io/rename_to_new.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const names = (dir: string) => Array.from(Deno.readDirSync(dir), (entry) => entry.name).sort();

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
    const own = { what: "a test's directory", files: ["a", "b"] };
    await writeDirectoryAtomically(path, (tmp) => Deno.writeTextFile(`${tmp}/a`, "old"), { own });
    await assertRejects(() => writeDirectoryAtomically(path, () => Promise.resolve(), { own }), UserError, "exists");
    await assertRejects(
      () =>
        writeDirectoryAtomically(path, async (tmp) => {
          await Deno.writeTextFile(`${tmp}/a`, "half");
          throw new Error("disk full");
        }, { own, replace: true }),
      Error,
      "disk full",
    );
    assertEquals(Deno.readTextFileSync(`${path}a`), "old");
    await writeDirectoryAtomically(path, (tmp) => Deno.writeTextFile(`${tmp}/b`, "new"), { own, replace: true });
    assertEquals(names(path), ["b"]);
    assertEquals(names(dir), ["run"]);
  }));

Deno.test({
  name: "what killed processes left under temporary names is removed; what living ones hold, and others', stays",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inTemporaryDirectory(async (dir) => {
      await Deno.mkdir(`${dir}/run.bytelm-0123456789abcdef0123456789abcdef.tmp/sub`, { recursive: true });
      const own = { what: "a test's", files: ["a"], directories: [[/^sub$/, { what: "sub", files: [] }]] as const };
      await Deno.writeTextFile(`${dir}/run.bytelm-fedcba9876543210fedcba9876543210.tmp`, "a file");
      // Another target's; ones that a person named.
      const kept = [
        "run.bytelm-0123456789abcdef0123456789abcdef.tmp2",
        "run.mine.tmp",
        "run2.bytelm-0123456789abcdef0123456789abcdef.tmp",
      ];
      for (const name of kept) await Deno.mkdir(`${dir}/${name}/inner`, { recursive: true });
      await withTemporaryDirectory(`${dir}/run/`, async (living) => {
        await Deno.writeTextFile(`${living}/a`, "under way");
        await using file = await PendingFile.create(`${dir}/run`);
        await writeDirectoryAtomically(`${dir}/run`, (tmp) => Deno.writeTextFile(`${tmp}/a`, "new"), { own });
        assertEquals(Deno.readTextFileSync(`${living}/a`), "under way");
        const others = [living, file.temporary].map((path) => path.slice(dir.length + 1));
        assertEquals(names(dir).filter((name) => !others.includes(name)), ["run", ...kept]);
        assertEquals((await Deno.stat(file.temporary)).isFile, true);
      });
      assertEquals(names(dir), ["run", ...kept]);
    }),
});

Deno.test("of two writers that found a name free, the later one is refused, and the first one's stays", () =>
  inTemporaryDirectory(async (dir) => {
    const own = { what: "a test's directory", files: ["a"] };
    const write = (text: string, replace?: boolean) =>
      writeDirectoryAtomically(`${dir}/run`, async (tmp) => {
        await Deno.writeTextFile(`${tmp}/a`, text);
        if (text === "second") await write("first");
      }, { own, replace });
    await assertRejects(() => write("second"), PathExistsError);
    assertEquals(Deno.readTextFileSync(`${dir}/run/a`), "first");
    await Deno.remove(`${dir}/run`, { recursive: true });

    await using file = await PendingFile.create(`${dir}/f`);
    await writeFileAtomically(`${dir}/f`, "first", { replace: false });
    await assertRejects(() => file.publish({ replace: false }), PathExistsError);
    await file[Symbol.asyncDispose]();
    assertEquals([Deno.readTextFileSync(`${dir}/f`), names(dir)], ["first", ["f"]]);
  }));

Deno.test("an empty directory may be there; a directory is replaced through a link, and not while somebody is at work in it", () =>
  inTemporaryDirectory(async (dir) => {
    const own = { what: "a test's directory", files: ["a"] };
    const write = (path: string, text: string) =>
      writeDirectoryAtomically(path, (tmp) => Deno.writeTextFile(`${tmp}/a`, text), { own, replace: true });
    await Deno.mkdir(`${dir}/run`);
    await writeDirectoryAtomically(`${dir}/run`, (tmp) => Deno.writeTextFile(`${tmp}/a`, "old"), { own });
    await Deno.symlink(`${dir}/run`, `${dir}/link`);
    await write(`${dir}/link`, "new");
    assertEquals([Deno.readTextFileSync(`${dir}/run/a`), names(dir)], ["new", ["link", "run"]]);
    assertEquals((await Deno.lstat(`${dir}/link`)).isSymlink, true);
    {
      using _lock = await lockDirectory(`${dir}/run`, "train in");
      await assertRejects(() => write(`${dir}/run`, "newer"), UserError, "is using it");
      await assertRejects(() => lockDirectory(`${dir}/run`, "train in"), UserError, "Cannot train in");
    }
    assertEquals([Deno.readTextFileSync(`${dir}/run/a`), names(dir)], ["new", ["link", "run"]]);
  }));

Deno.test({
  name: "what is mounted is refused before anything is made: it cannot be renamed",
  // Directories of other file systems than what they are in.
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const own = { what: "a test", files: [] };
    for (const path of ["/proc", "/sys"]) {
      await assertRejects(
        () => writeDirectoryAtomically(path, () => Promise.reject(new Error("filled")), { own, replace: true }),
        UserError,
        "a mount point",
      );
    }
  },
});
