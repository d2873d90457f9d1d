import { assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../lib/errors.ts";
import { writeDirectoryAtomically, writeFileAtomically } from "../../lib/io/atomic.ts";

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
