import { assertEquals } from "@std/assert";
import { fileFilter, fileFilters } from "../../tasks/cli/file_filter.ts";
import { findFiles, type FindFilesOptions } from "../../lib/corpus/find_files.ts";

/** Makes files, and links (`name -> target`), and says which of them findFiles() gives. */
async function find(names: readonly string[], options: FindFilesOptions & { root?: string } = {}) {
  const dir = await Deno.realPath(await Deno.makeTempDir());
  try {
    for (const name of names) {
      const [path, target] = name.split(" -> ");
      await Deno.mkdir(`${dir}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      if (target?.startsWith("=")) await Deno.link(`${dir}/${target.slice(1)}`, `${dir}/${path}`);
      else if (target !== undefined) await Deno.symlink(target, `${dir}/${path}`);
      else await Deno.writeTextFile(`${dir}/${path}`, path.includes("empty") ? "" : path);
    }
    const root = `${dir}/${options.root ?? "in"}`;
    const { files, skipped } = await findFiles(root, options);
    const short = (path: string) => path.slice(root.length + 1);
    return {
      files: files.map(({ path }) => short(path)),
      skipped: skipped.map(({ path, reason }) => `${short(path)}: ${reason}`),
    };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("findFiles() finds files in the order of their paths, but hidden and empty ones", async () => {
  assertEquals(await find(["in/b/z.txt", "in/b.txt", "in/a.txt", "in/b/empty", "in/.git/config", "in/b/.x"]), {
    files: ["a.txt", "b/z.txt", "b.txt"],
    skipped: [".git: hidden", "b/.x: hidden", "b/empty: empty"],
  });
});

Deno.test("findFiles() gives what links lead to once, by its own name where it has one", async () => {
  assertEquals(
    await find([
      "in/b.txt",
      "in/a.txt -> b.txt",
      "in/z.txt -> ../out/far.txt",
      "in/z2.txt -> ../out/far.txt",
      "in/hard.txt -> =in/b.txt",
      "in/sub/c.txt",
      "in/also -> sub",
      "in/dir -> ../out/dir",
      "out/far.txt",
      "out/dir/d.txt",
      "out/dir/back -> ../../in",
    ]).then(({ files, skipped }) => [
      // Of a file's hard links, that which the directory lists first is taken.
      files.map((path) => path === "hard.txt" ? "b.txt" : path).sort(),
      skipped.map((text) => text.replace(/^hard/, "b")).sort(),
    ]),
    [
      ["b.txt", "dir/d.txt", "sub/c.txt", "z.txt"],
      [
        "a.txt: read already",
        "also: read already",
        "b.txt: read already",
        "dir/back: read already",
        "z2.txt: read already",
      ],
    ],
  );
});

Deno.test("findFiles() passes over links that lead nowhere or in circles", async () => {
  const found = await find([
    "in/a.txt",
    "in/gone -> nothing",
    "in/self -> self",
    "in/deep/up -> ../..",
    "in/deep/here -> .",
    "in/ping -> pong",
    "in/pong -> ping",
    "beside.txt",
  ]);
  assertEquals(found.files, ["a.txt"]);
  assertEquals(found.skipped, [
    "deep/here: a circular link",
    "deep/up: a circular link",
    "gone: a broken link",
    "ping: a broken link",
    "pong: a broken link",
    "self: a broken link",
  ]);
});

Deno.test("findFiles() takes those that a glob matches: names, or paths where it has a slash", async () => {
  const names = ["in/a.txt", "in/b.md", "in/sub/c.txt", "in/sub/d.TXT", "in/empty.bin", "in/gone.bin -> none"];
  const files = async (glob: string) => (await find(names, { include: [fileFilter(glob)] })).files;
  assertEquals(await files("*.txt"), ["a.txt", "sub/c.txt"]);
  assertEquals(await files("*.{md,TXT}"), ["b.md", "sub/d.TXT"]);
  assertEquals(await files("sub/*"), ["sub/c.txt", "sub/d.TXT"]);
  assertEquals(await files("**/*.txt"), ["a.txt", "sub/c.txt"]);
  assertEquals(await files("[ab].*"), ["a.txt", "b.md"]);
  assertEquals(await files("no*"), []);
  assertEquals((await find(names, { include: [fileFilter("*.txt")] })).skipped, []);
});

Deno.test("findFiles() leaves out files and directories that a glob excludes, whatever includes them", async () => {
  const names = [
    "in/a.txt",
    "in/b.md",
    "in/.git/x",
    "in/empty.dat",
    "in/sub/a.txt",
    "in/sub/deep/c.dat",
    "in/sub/deep/d.txt",
    "in/drafts/e.txt",
    "in/gone.dat -> none",
    "in/to -> ../far",
    "far/f.txt",
  ];
  const found = async (include: readonly string[], exclude: readonly string[]) => {
    const unmatched = new Set([...include, ...exclude]);
    const { files, skipped } = await find(names, {
      ...fileFilters({ include, exclude }),
      onMatch: ({ name }) => unmatched.delete(name),
    });
    const excluded = skipped.filter((text) => text.endsWith(": excluded")).map((text) => text.replace(/: .*/, ""));
    return [files.join(" "), excluded.join(" "), [...unmatched].join(" ")];
  };
  const all = "a.txt b.md drafts/e.txt sub/a.txt sub/deep/c.dat sub/deep/d.txt to/f.txt";
  assertEquals(await found([], []), [all, "", ""]);
  assertEquals(await found(["*.txt", "*.md", "*.rs"], []), [all.replace(" sub/deep/c.dat", ""), "", "*.rs"]);
  assertEquals(
    await found([], ["*.dat", "*.md", "*.rs"]),
    ["a.txt drafts/e.txt sub/a.txt sub/deep/d.txt to/f.txt", "b.md empty.dat gone.dat sub/deep/c.dat", "*.rs"],
  );
  assertEquals(await found(["*.txt"], ["a.*", "b.md", "*.dat"]), [
    "drafts/e.txt sub/deep/d.txt to/f.txt",
    "a.txt sub/a.txt",
    // Those that match are not included anyway.
    "",
  ]);
  for (const glob of ["sub", "sub/", "sub/**", "{sub,none}"]) {
    assertEquals(await found([], [glob]), ["a.txt b.md drafts/e.txt to/f.txt", "sub", ""], glob);
  }
  assertEquals(await found([], ["sub/*"]), ["a.txt b.md drafts/e.txt to/f.txt", "sub/a.txt sub/deep", ""]);
  assertEquals(await found([], ["**/deep"]), ["a.txt b.md drafts/e.txt sub/a.txt to/f.txt", "sub/deep", ""]);
  assertEquals(await found([], ["to", ".git", "drafts/e.txt"]), [
    "a.txt b.md sub/a.txt sub/deep/c.dat sub/deep/d.txt",
    ".git drafts/e.txt to",
    "",
  ]);
  assertEquals(await found(["sub/**"], ["*.dat"]), ["sub/a.txt sub/deep/d.txt", "sub/deep/c.dat", ""]);
  assertEquals((await found([], ["*"]))[0], "");
});
