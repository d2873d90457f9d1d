// Names beside a target that a person may have given: what they lead to is never removed, and never put in the target's place.
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { withTemporaryDirectory, writeDirectoryAtomically, writeFileAtomically } from "../../lib/io/atomic.ts";
import type { OwnEntries } from "../../lib/io/own_entries.ts";
import { recoverDirectory, restoreReplaced, restoreReplacedIn } from "../../lib/io/replace_directory.ts";
import { parseTemporaryName, temporaryNameFor, withoutTemporaryNames } from "../../lib/io/temporary.ts";
import { tidyBeside, tidyDirectory } from "../../lib/io/tidy.ts";

/** Every file below a directory with its text; directories end in a slash. */
function tree(directory: string, below = ""): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { name, isDirectory } of Deno.readDirSync(`${directory}/${below}`)) {
    const path = `${below}${name}`;
    if (isDirectory) Object.assign(found, { [`${path}/`]: "" }, tree(directory, `${path}/`));
    else found[path] = Deno.readTextFileSync(`${directory}/${path}`);
  }
  return found;
}

function inTemporaryDirectory(body: (directory: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const directory = await Deno.makeTempDir();
    try {
      await body(directory);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  };
}

const OWN: OwnEntries = {
  what: "a test's directory",
  files: ["a"],
  isOwn: (directory) => Deno.stat(`${directory}/a`).then(({ isFile }) => isFile, () => false),
};
const PARENT: OwnEntries = { what: "their parent", files: [], directories: [[/^(run|other)$/, OWN]] };

/** All that tidies, recovers or writes at a path. */
async function doAll(directory: string): Promise<void> {
  const path = `${directory}/run`;
  await restoreReplaced(`${directory}/other`, OWN);
  await restoreReplacedIn(directory, PARENT);
  await recoverDirectory(path, OWN);
  await recoverDirectory(`${directory}/other`, OWN);
  await tidyBeside(path, OWN);
  await tidyDirectory(directory, PARENT);
  await withTemporaryDirectory(path, () => Promise.resolve());
  const replace = () =>
    writeDirectoryAtomically(path, (tmp) => Deno.writeTextFile(`${tmp}/a`, "new"), { own: OWN, replace: true });
  for (let i = 0; i < 2; i++) await replace();
  await Deno.remove(path, { recursive: true });
  await writeFileAtomically(path, "text");
  await Deno.remove(path);
}

const BESIDES = ["tmp", "old", "replaced"] as const;

Deno.test(
  "a backup with a date or a number in its name is nobody's leftover",
  inTemporaryDirectory(async (directory) => {
    for (const mark of ["20241127", "0123abcd", "1", "bytelm", "bytelm-20241127", "bytelm-0123abcd"]) {
      for (const beside of BESIDES) {
        for (const target of ["run", "other"]) {
          await Deno.mkdir(`${directory}/${target}.${mark}.${beside}`);
          await Deno.writeTextFile(`${directory}/${target}.${mark}.${beside}/a`, "mine");
        }
        await Deno.writeTextFile(`${directory}/run.${mark}9.${beside}`, "a note of mine");
      }
    }
    const before = tree(directory);
    await doAll(directory);
    assertEquals(tree(directory), before);
  }),
);

Deno.test(
  "what is not of the right kind, or not ours, stays also under a name that is",
  inTemporaryDirectory(async (directory) => {
    const path = `${directory}/run`;
    // Files and links where only directories are made.
    for (const beside of ["old", "replaced"] as const) {
      await Deno.writeTextFile(temporaryNameFor(path, beside), "a note of mine");
      await Deno.writeTextFile(temporaryNameFor(`${directory}/other`, beside), "a note of mine");
    }
    // Directories of another kind, or with something else in them.
    for (const target of [path, `${directory}/other`]) {
      const old = temporaryNameFor(target, "old");
      await Deno.mkdir(old);
      await Deno.writeTextFile(`${old}/photo.jpg`, "mine");
      const half = temporaryNameFor(target, "tmp");
      await Deno.mkdir(`${half}/a`, { recursive: true });
      for (const name of ["thesis.txt", "a/b"]) await Deno.writeTextFile(`${half}/${name}`, "mine");
    }
    const before = tree(directory);
    await doAll(directory);
    assertEquals(tree(directory), before);
  }),
);

Deno.test("a name that was made tells its target and what it is, and no shorter name does", () => {
  const target = fc.string({ minLength: 1, unit: "grapheme" }).filter((name) => !/[/\0]|^\.+$/.test(name));
  fc.assert(
    fc.property(target, fc.constantFrom(...BESIDES), (target, beside) => {
      const name = temporaryNameFor(target, beside);
      assertEquals(parseTemporaryName(name), { target, beside });
      assertEquals(withoutTemporaryNames(`x/${name}/y`), `x/${target}/y`);
      assertEquals(parseTemporaryName(name.replace(/.(?=\.\w+$)/, "")), undefined);
    }),
    { seed: 1 },
  );
});
