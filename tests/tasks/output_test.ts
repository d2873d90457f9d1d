// What tasks do to what is at --out already, and to what they read.
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { spy } from "@std/testing/mock";
import { splitText } from "../../lib/corpus/split.ts";
import { main as demo } from "../../tasks/demo.ts";
import { capture } from "../cli/capture.ts";
import { fill, withInputs, type Writer, WRITERS } from "./writers.ts";

/** All names below a directory, with the texts of files. */
function tree(directory: string, below = ""): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { name, isDirectory, isSymlink } of Deno.readDirSync(`${directory}/${below}`)) {
    const path = `${below}${name}`;
    if (isSymlink) found[path] = Deno.readLinkSync(`${directory}/${path}`);
    else if (isDirectory) Object.assign(found, { [`${path}/`]: "" }, tree(directory, `${path}/`));
    else found[path] = new TextDecoder("latin1").decode(Deno.readFileSync(`${directory}/${path}`));
  }
  return found;
}

/** Runs a task that must refuse in one line, changing nothing. */
async function refused(directory: string, { main }: Writer, args: readonly string[], says: RegExp): Promise<void> {
  const before = tree(directory);
  const { code, stdout, stderr } = await capture(main, ...args);
  assertMatch(stderr.trimEnd().split("\n").at(-1)!.replaceAll(directory, "DIR"), says);
  assert(code !== 0 && !/^\s+at /m.test(stderr), stderr);
  assertEquals(stdout, "");
  assertEquals(tree(directory), before);
}

/** A directory that a task made, in which something else turns up at any place: --force names that, and leaves all as it is. */
async function foreignRefused(directory: string, writer: Writer, args: readonly string[], out: string): Promise<void> {
  await refused(directory, writer, args, /^error: Cannot write .*--force/);
  for (const place of Object.keys(tree(out)).filter((path) => path.endsWith("/")).concat("")) {
    await Deno.writeTextFile(`${out}/${place}thesis.txt`, "mine");
    await refused(directory, writer, [...args, "--force"], /^error: Cannot replace .*thesis\.txt"/);
    await Deno.remove(`${out}/${place}thesis.txt`);
  }
}

Deno.test("--force replaces what is ours and nothing else, for every task that makes a directory", () =>
  withInputs(async (directory) => {
    for (const [name, writer] of Object.entries(WRITERS)) {
      if (writer.writes !== "directory" || !writer.hasForce) continue;
      const out = `${directory}/out of ${name}`;
      const args = [...fill(writer.args, directory), writer.flag, out];
      await Deno.mkdir(out);
      // Somebody's file; files of our names that are another's.
      for (const file of ["thesis.txt", "config.json", "tokenizer.json", "train.txt"]) {
        await Deno.writeTextFile(`${out}/${file}`, JSON.stringify({ name: "another project" }));
        await refused(directory, writer, args, /^error: Cannot write .*--force/);
        await refused(directory, writer, [...args, "--force"], /^error: Cannot replace /);
        await Deno.remove(`${out}/${file}`);
      }
      // A demo has a test of its own: it takes its time.
      if (writer.main !== demo) {
        // Empty, it needs no --force.
        const made = await capture(writer.main, ...args);
        assertEquals(made.code, 0, made.stderr);
        await foreignRefused(directory, writer, args, out);
        const names = Object.keys(tree(out)).sort();
        const again = await capture(writer.main, ...args, "--force");
        assertEquals(again.code, 0, again.stderr);
        assertEquals(Object.keys(tree(out)).sort(), names);
      }
      await Deno.remove(out, { recursive: true });
      await Deno.writeTextFile(out, "a file");
      await refused(directory, writer, [...args, "--force"], /^error: Cannot replace .*got a file/);
      await Deno.remove(out);
      // Nothing is left beside it.
      assertEquals(Object.keys(tree(directory)).filter((path) => path.startsWith("out of")), []);
    }
  }));

Deno.test("slashes and dots at the end of --out, or double ones in it, say nothing", () =>
  withInputs(async (directory) => {
    for (const task of ["train-bpe", "train-lm"]) {
      const { main, args } = WRITERS[task];
      const run = (out: string, ...flags: string[]) => capture(main, ...fill(args, directory), "--out", out, ...flags);
      for (const [i, out] of ["new/.", ".//new/./", "empty/.", "./empty//./."].entries()) {
        const before = tree(directory);
        if (out.includes("empty")) await Deno.mkdir(`${directory}/empty`);
        const { code, stderr } = await run(`${directory}/${out}`, ...i % 2 === 1 ? ["--force"] : []);
        assertEquals(code, 0, stderr);
        const made = out.includes("empty") ? "empty" : "new";
        assert(Object.keys(tree(`${directory}/${made}`)).includes("tokenizer.json") || task === "train-lm");
        await Deno.remove(`${directory}/${made}`, { recursive: true });
        assertEquals(tree(directory), before);
      }
      await refused(
        directory,
        WRITERS[task],
        [...fill(args, directory), "--out", `${directory}/config.json/.`],
        /--force/,
      );
    }
  }));

Deno.test("an input that lies inside the output, or is it by another name, is refused by every task", () =>
  withInputs(async (directory) => {
    for (const writer of Object.values(WRITERS)) {
      if (writer.input === undefined) continue;
      const [flag, file] = writer.input;
      const args = fill(writer.args, directory);
      const force = writer.hasForce ? ["--force"] : [];
      const from = (input: string) => args.with(args.indexOf(flag) + 1, input);
      const out = `${directory}/proj`;
      await Deno.mkdir(`${out}/deep`, { recursive: true });
      await Deno.copyFile(`${directory}/${file}`, `${out}/deep/${file}`);
      await Deno.symlink(out, `${directory}/link`);
      const says = /^error: Cannot write .*: (it is )?the input .*\/(deep\/)?[a-z.]+.* Choose another place/;
      if (writer.writes !== "file") {
        const inside = `${out}/deep/${file}`;
        const spellings = [[inside, out], [inside, `${directory}/./proj/`], [inside, `${directory}/link`]];
        spellings.push([`${directory}/link/deep/../deep/${file}`, out]);
        for (const [input, to] of spellings) {
          await refused(directory, writer, [...from(input), writer.flag, to, ...force], says);
        }
      } else {
        const same = `${out}/deep/${file}`;
        await Deno.symlink(same, `${directory}/symbolic`);
        await Deno.link(same, `${directory}/hard`);
        for (const to of [same, `${directory}/./proj/deep/${file}`, `${directory}/symbolic`, `${directory}/hard`]) {
          await refused(directory, writer, [...from(same), writer.flag, to, ...force], says);
        }
        for (const name of ["symbolic", "hard"]) await Deno.remove(`${directory}/${name}`);
      }
      await Deno.remove(`${directory}/link`);
      await Deno.remove(out, { recursive: true });
    }
    // What shards would overwrite, and what a report shows.
    const shard = `${directory}/text-00000-of-00002.npy`;
    await Deno.copyFile(`${directory}/text.txt`, shard);
    const encoding = ["--tokenizer", `${directory}/tokenizer`, "--input", shard, "--shard", "0/2", "--force"];
    await refused(directory, WRITERS.encode, [...encoding, "--out", `${directory}/text`], /it is the input .*/);
    const reporting = ["--run", `${directory}/run`, "--out", `${directory}/run/model.safetensors`, "--force"];
    await refused(directory, WRITERS.report, reporting, /it is the input .*/);
    const splitting = ["--input", `${directory}/text.txt`, "--separator", ". ", "--valid-fraction", "0.5"];
    await Deno.mkdir(`${directory}/split`);
    await Deno.link(`${directory}/text.txt`, `${directory}/split/train.txt`);
    await refused(
      directory,
      WRITERS.data,
      [...splitting, "--out", `${directory}/split`, "--force"],
      /it is the input .*/,
    );
  }));

Deno.test("an output that cannot be is refused before any work: -, nothing, a directory for a file", () =>
  withInputs(async (directory) => {
    await Deno.mkdir(`${directory}/there`);
    // What reads text opens it so.
    for (const task of ["train-bpe", "count", "encode"]) {
      const { main, args } = WRITERS[task];
      using opens = spy(Deno, "openSync");
      const result = await capture(main, ...fill(args, directory), "--out", `${directory}/text.txt/new`);
      assertMatch(result.stderr, /^error: Cannot make .*text\.txt\/new: got "Not a directory/);
      // Once, to see whether it is text.
      assertEquals(opens.calls.map(({ args }) => args[0]), [`${directory}/text.txt`]);
    }
    for (const writer of Object.values(WRITERS)) {
      const args = fill(writer.args, directory);
      const force = writer.hasForce ? ["--force"] : [];
      if (!writer.hasStdout) {
        await refused(directory, writer, [...args, `${writer.flag}=-`], /^error: Cannot write "-"/);
        assertEquals(await Deno.lstat("-").catch(() => null), null);
      }
      await refused(
        directory,
        writer,
        [...args, `${writer.flag}=`],
        /^error: Cannot (write ""|run .* needs a value)/,
      );
      if (writer.writes !== "file") continue;
      for (const to of [`${directory}/there`, `${directory}/there/`]) {
        await refused(directory, writer, [...args, writer.flag, to, ...force], /got a directory, must be a file/);
      }
      await refused(directory, writer, [...args, writer.flag, `${directory}/new/`], /got a directory, must be a file/);
    }
  }));

Deno.test("a demo goes through, and with --force replaces what a killed one left, and no more", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const out = `${directory}/demo`;
    const { train } = splitText(await Deno.readFile(new URL("../../data/shakespeare.txt", import.meta.url)), 0.1);
    await Deno.mkdir(`${out}/tokenizer.bytelm-0123456789abcdef0123456789abcdef.tmp`, { recursive: true });
    await Deno.writeFile(`${out}/train.txt`, train);
    const args = ["--out", out, "--steps", "1", "--backend", "wasm"];
    const { code, stdout, stderr } = await capture(demo, ...args, "--force");
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, `Everything is in ${out}`);
    assertEquals(Object.keys(tree(out)).filter((name) => name.includes(".tmp")), []);
    await foreignRefused(directory, WRITERS.demo, args, out);
    await Deno.writeTextFile(`${out}/train.txt`, "mine");
    await refused(
      directory,
      WRITERS.demo,
      [...args, "--force"],
      /^error: Cannot replace .*other files of the same names/,
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
