import { assert, assertEquals } from "@std/assert";
import { stub } from "@std/testing/mock";
import { encodePartsToNpy, wholeInputs } from "../../lib/corpus/encode/encode_parts.ts";
import { encodeShards } from "../../lib/corpus/encode/encode_shards.ts";
import { NpyWriter, readNpy } from "../../lib/dataset/npy_file.ts";
import { splitDocuments } from "../../lib/corpus/split_documents.ts";
import { expandInputs } from "../../lib/corpus/expand_inputs.ts";
import { UserError } from "../../lib/errors.ts";
import { writeDirectoryAtomically, writeFileAtomically } from "../../lib/io/atomic.ts";
import type { OwnEntries } from "../../lib/io/own_entries.ts";
import { recoverDirectory, restoreReplaced } from "../../lib/io/replace_directory.ts";
import { trainBpe } from "../../lib/tokenizer/mod.ts";
import { killAtEachCall } from "../harness/dying_file_system.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

/** Every file below a directory with its text; directories end in a slash. */
async function tree(directory: string, below = ""): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(`${directory}/${below}`)) {
    const path = `${below}${name}`;
    if (isDirectory) Object.assign(found, { [`${path}/`]: "" }, await tree(directory, `${path}/`));
    else found[path] = await Deno.readTextFile(`${directory}/${path}`);
  }
  return found;
}

async function empty(directory: string): Promise<void> {
  for (const { name } of await Array.fromAsync(Deno.readDir(directory))) {
    await Deno.remove(`${directory}/${name}`, { recursive: true });
  }
}

Deno.test("a file whose writer is killed at any call is the old or the new one; the next writing leaves nothing else", () =>
  inTemporaryDirectory(async (directory) => {
    const path = `${directory}/new/a.txt`;
    for (const old of [undefined, "old text"]) {
      const found = new Set<string | undefined>();
      const deaths = await killAtEachCall(
        async () => {
          await empty(directory);
          if (old === undefined) return;
          await Deno.mkdir(`${directory}/new`);
          await Deno.writeTextFile(path, old);
        },
        () => writeFileAtomically(path, "the new text"),
        async () => {
          const text = await Deno.readTextFile(path).catch(() => undefined);
          assert(text === old || text === "the new text", text);
          found.add(text);
          await writeFileAtomically(path, "the next text");
          assertEquals(await tree(directory), { "new/": "", "new/a.txt": "the next text" });
        },
      );
      assert(deaths >= 5, `${deaths} deaths`);
      assertEquals(found.size, 2);
    }
  }));

const OWN: OwnEntries = {
  what: "a test's directory",
  files: ["a", "b"],
  directories: [[/^sub$/, { what: "sub", files: ["c"] }]],
};

Deno.test("a directory whose replacement is killed at any call is the old or the new one, for a reader or a writer", () =>
  inTemporaryDirectory(async (directory) => {
    const path = `${directory}/run`;
    const [oldTree, newTree] = [{ a: "old a", b: "old b", "sub/": "", "sub/c": "old c" }, { a: "new a" }];
    const fill = (text: string) => async (temporary: string) => {
      await Deno.writeTextFile(`${temporary}/a`, `${text} a`);
    };
    const prepare = async () => {
      await empty(directory);
      await Deno.mkdir(`${path}/sub`, { recursive: true });
      for (const name of ["a", "b", "sub/c"]) await Deno.writeTextFile(`${path}/${name}`, `old ${name.at(-1)}`);
    };
    const replace = () => writeDirectoryAtomically(path, fill("new"), { own: OWN, replace: true });
    const found = new Set<string>();
    const deaths = await killAtEachCall(prepare, replace, async () => {
      await restoreReplaced(path, OWN);
      const left = await tree(path);
      assertEquals(left, "b" in left ? oldTree : newTree);
      found.add(left.a);
      await writeDirectoryAtomically(path, fill("next"), { own: OWN, replace: true });
      assertEquals(await tree(directory), { "run/": "", "run/a": "next a" });
    });
    assert(deaths >= 10, `${deaths} deaths`);
    assertEquals(found, new Set(["old a", "new a"]));
    // The same call again, without a reader between.
    await killAtEachCall(prepare, replace, async () => {
      await replace();
      assertEquals(await tree(directory), { "run/": "", "run/a": "new a" });
    });
  }));

Deno.test("a recovery that is killed at any call can be done again", () =>
  inTemporaryDirectory(async (directory) => {
    const path = `${directory}/run`;
    const prepare = async () => {
      await empty(directory);
      // As after a death between the two renames.
      await Deno.mkdir(`${path}.bytelm-0123456789abcdef0123456789abcdef.old`);
      await Deno.writeTextFile(`${path}.bytelm-0123456789abcdef0123456789abcdef.old/a`, "old");
      await Deno.mkdir(`${path}.bytelm-fedcba9876543210fedcba9876543210.tmp`);
      await Deno.writeTextFile(`${path}.bytelm-fedcba9876543210fedcba9876543210.tmp/a`, "new");
    };
    await killAtEachCall(prepare, () => restoreReplaced(path, OWN), async () => {
      await restoreReplaced(path, OWN);
      assertEquals(await tree(path), { a: "old" });
    });
  }));

Deno.test("what was moved aside is removed only for a successor of its kind, and never with what is not ours", () =>
  inTemporaryDirectory(async (directory) => {
    const path = `${directory}/run`;
    const own: OwnEntries = { ...OWN, isOwn: async (place) => (await Deno.readTextFile(`${place}/a`)) !== "another's" };
    const make = async (name: string, files: Record<string, string>) => {
      await Deno.mkdir(`${directory}/${name}`, { recursive: true });
      for (const [file, text] of Object.entries(files)) await Deno.writeTextFile(`${directory}/${name}/${file}`, text);
    };
    // A person made the directory anew, empty or with files of the same names, before anybody put the old one back.
    await make("run.bytelm-0123456789abcdef0123456789abcdef.old", { a: "old" });
    await make("run", {});
    await recoverDirectory(path, own);
    assertEquals(await tree(directory), { "run/": "", "run/a": "old" });
    await empty(directory);
    await make("run.bytelm-0123456789abcdef0123456789abcdef.old", { a: "old" });
    await make("run", { a: "another's" });
    await recoverDirectory(path, own);
    const kept = {
      "run/": "",
      "run/a": "another's",
      "run.bytelm-0123456789abcdef0123456789abcdef.old/": "",
      "run.bytelm-0123456789abcdef0123456789abcdef.old/a": "old",
    };
    assertEquals(await tree(directory), kept);
    // The successor is gone; what was not ours is left.
    await empty(directory);
    await make("run.bytelm-0123456789abcdef0123456789abcdef.replaced", { a: "old", thesis: "mine" });
    await recoverDirectory(path, own);
    assertEquals(await tree(directory), {
      "run.bytelm-0123456789abcdef0123456789abcdef.replaced/": "",
      "run.bytelm-0123456789abcdef0123456789abcdef.replaced/thesis": "mine",
    });
  }));

Deno.test("what is not ours is kept if it turns up in a directory at any moment while that is replaced", () =>
  inTemporaryDirectory(async (directory) => {
    const path = `${directory}/run`;
    /** Replaces the directory while somebody writes a file into `place` just before the nth rename; whether there was one. */
    const intrude = async (n: number, place: (from: string) => string): Promise<boolean> => {
      await empty(directory);
      await Deno.mkdir(`${path}/sub`, { recursive: true });
      await Deno.writeTextFile(`${path}/a`, "old");
      let numRenames = 0;
      using rename = stub(Deno, "rename", async (...args) => {
        if (numRenames++ === n) {
          const at = place(String(args[0]));
          await Deno.mkdir(at, { recursive: true });
          await Deno.writeTextFile(`${at}/thesis.txt`, "mine");
        }
        await rename.original.apply(Deno, args);
      });
      try {
        await writeDirectoryAtomically(path, (tmp) => Deno.writeTextFile(`${tmp}/a`, "new"), {
          own: OWN,
          replace: true,
        });
      } catch (error) {
        if (!(error instanceof UserError)) throw error; // another's directory has the name
      }
      return numRenames > n;
    };
    const places: ((from: string) => string)[] = [() => path, (from) => from, (from) => `${from}/sub`];
    for (const place of places) {
      let n = 0;
      for (; await intrude(n, place); n++) {
        const texts = Object.entries(await tree(directory)).filter(([name]) => name.endsWith("/thesis.txt"));
        assertEquals(texts.map(([, text]) => text), ["mine"], `rename ${n}`);
      }
      assert(n >= 3, `${n} renames`);
    }
  }));

Deno.test({
  name: "a process that is killed for good leaves no lock: the next one recovers, and tidies",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inTemporaryDirectory(async (directory) => {
      const url = (path: string) => JSON.stringify(new URL(`../../lib/io/${path}`, import.meta.url).href);
      const script = `
        import { writeDirectoryAtomically } from ${url("atomic.ts")};
        const { rename } = Deno;
        let left = Number(Deno.args[0]);
        Deno.rename = (from, to) => {
          if (left-- === 0) Deno.kill(Deno.pid, "SIGKILL");
          return rename(from, to);
        };
        const own = { what: "a test's directory", files: ["a"] };
        await writeDirectoryAtomically(Deno.args[1], (tmp) => Deno.writeTextFile(tmp + "/a", "new"), { own, replace: true });
      `;
      await Deno.writeTextFile(`${directory}/kill.ts`, script);
      const path = `${directory}/out/run`;
      const own = { what: "a test's directory", files: ["a"] };
      const texts: string[] = [];
      for (const n of [0, 1, 2]) {
        await Deno.mkdir(path, { recursive: true });
        await Deno.writeTextFile(`${path}/a`, "old");
        const args = ["run", "--quiet", "--no-check", "-A", `${directory}/kill.ts`, String(n), path];
        const { signal, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
        assertEquals(signal, "SIGKILL", new TextDecoder().decode(stderr));
        await restoreReplaced(path, OWN);
        texts.push(await Deno.readTextFile(`${path}/a`));
        await writeDirectoryAtomically(path, (tmp) => Deno.writeTextFile(`${tmp}/a`, "next"), { own, replace: true });
        assertEquals(await tree(`${directory}/out`), { "run/": "", "run/a": "next" });
      }
      assertEquals(texts, ["old", "old", "new"]);
    }),
});

Deno.test("a token file whose writer is killed at any call is not there, or whole", () =>
  inTemporaryDirectory(async (directory) => {
    const path = `${directory}/ids.npy`;
    const write = async (replace: boolean) => {
      const writer = await NpyWriter.create(path, "uint16", { replace });
      await writer.write(Uint16Array.of(1, 2, 3));
      await writer.write(Uint16Array.of(4));
      await writer.close();
    };
    for (const replace of [true, false]) {
      const deaths = await killAtEachCall(() => empty(directory), () => write(replace), async () => {
        const names = Array.from(Deno.readDirSync(directory), ({ name }) => name);
        if (names.includes("ids.npy")) assertEquals([...await readNpy(path)], [1, 2, 3, 4]);
        await write(true);
        assertEquals(Array.from(Deno.readDirSync(directory), ({ name }) => name), ["ids.npy"]);
      });
      assert(deaths >= 6, `${deaths} deaths`);
    }
  }));

Deno.test("text that is encoded by one who is killed at any call gives no file, or a whole one; the next leaves nothing else", () =>
  inTemporaryDirectory(async (directory) => {
    const text = "the cat sat on the mat. ";
    const tokenizer = await trainBpe(text, { vocabSize: 260 });
    await Deno.mkdir(`${directory}/in`);
    await Deno.writeTextFile(`${directory}/in/text.txt`, text);
    const out = `${directory}/out`;
    const prepare = async () => {
      await Deno.mkdir(out, { recursive: true });
      await empty(out);
    };
    const inputs = await expandInputs([`${directory}/in`]);
    const encode = () => encodePartsToNpy(tokenizer, wholeInputs(inputs), `${out}/ids.npy`);
    const encodeAsShards = () => encodeShards(tokenizer, inputs, `${out}/shard`, { size: { numShards: 2 } });
    for (const write of [encode, encodeAsShards]) {
      await prepare();
      await write();
      const names = Object.keys(await tree(out)).sort();
      const deaths = await killAtEachCall(prepare, write, async () => {
        for (const name of Object.keys(await tree(out))) if (name.endsWith(".npy")) await readNpy(`${out}/${name}`);
        await write();
        assertEquals(Object.keys(await tree(out)).sort(), names);
      });
      assert(deaths > 5, `${deaths} deaths`);
    }
  }));

Deno.test("text that is split by one who is killed at any call is not there, or whole", () =>
  inTemporaryDirectory(async (directory) => {
    const paths = { train: `${directory}/train.txt`, valid: `${directory}/valid.txt` };
    async function* documents() {
      for (let i = 0; i < 9; i++) yield new TextEncoder().encode(`document ${i}`);
    }
    const split = () => splitDocuments(documents(), paths, { separator: "\n", validFraction: 0.5, seed: 0 });
    await split();
    const whole = await tree(directory);
    assertEquals(Object.keys(whole).sort(), ["train.txt", "valid.txt"]);
    await killAtEachCall(() => empty(directory), split, async () => {
      for (const [name, text] of Object.entries(await tree(directory))) {
        if (name in whole) assertEquals(text, whole[name]);
      }
      await split();
      assertEquals(await tree(directory), whole);
    });
    // A part of an old split is never beside one of the new: a document could be in both.
    const prepare = async () => {
      await empty(directory);
      for (const name of Object.keys(whole)) await Deno.writeTextFile(`${directory}/${name}`, `old ${name}`);
    };
    await killAtEachCall(prepare, split, async () => {
      const names = Object.entries(await tree(directory)).filter(([name]) => name in whole);
      assertEquals(new Set(names.map(([name, text]) => text === whole[name])).size, 1);
    });
  }));
