// What encode writes, and what else a single file may be: inputs, files of others, pipes and devices stay.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { spy } from "@std/testing/mock";
import { readNpy } from "../../lib/dataset/npy_file.ts";
import { loadTokenizer } from "../../lib/tokenizer/mod.ts";
import { main as encode } from "../../tasks/encode.ts";
import { main as writeup } from "../../tasks/writeup.ts";
import { capture } from "../cli/capture.ts";
import { fill, withInputs, WRITERS } from "./writers.ts";

type Main = (args: string[]) => Promise<number>;

/** All that is at a path and below it: of plain files the bytes, of links where they lead, of others what they are. */
function tree(path: string): unknown {
  const info = Deno.lstatSync(path);
  if (info.isSymlink) return `-> ${Deno.readLinkSync(path)}`;
  if (info.isFile) return Deno.readFileSync(path).toHex();
  if (!info.isDirectory) return `${info.mode}`;
  return Object.fromEntries(
    Array.from(Deno.readDirSync(path), ({ name }) => [name, tree(`${path}/${name}`)] as const).sort(),
  );
}

/** Runs a task that must refuse in one line, changing nothing. */
async function refused(directory: string, main: Main, args: readonly string[], says: RegExp): Promise<void> {
  const before = tree(directory);
  const { code, stdout, stderr } = await capture(main, ...fill(args, directory));
  const line = stderr.trimEnd().split("\n").at(-1)!.replaceAll(directory, "DIR");
  assertMatch(line, says);
  assert(code !== 0 && !/^\s+at /m.test(stderr), stderr);
  assertEquals(stdout, "");
  assertEquals(tree(directory), before);
}

const ITSELF = /^error: Cannot write .*: it is the input .*/;
const ENCODE = ["--tokenizer", "DIR/tokenizer", "--input", "DIR/text.txt"];
const encodeTo = (out: string, ...more: string[]) => [...ENCODE, "--out", `DIR/${out}`, ...more];

Deno.test("no task writes over a file of the tokenizer that it reads", () =>
  withInputs(async (directory) => {
    const files = Array.from(Deno.readDirSync(`${directory}/tokenizer`), ({ name }) => name);
    assert(files.includes("tokenizer.json") && files.includes("merges.txt"));
    const with_ = (tokenizer: string, out: string) =>
      encodeTo(out, "--force").with(1, `DIR/${tokenizer}`).concat("--pattern", "gpt2");
    for (const name of files) await refused(directory, encode, with_("tokenizer", `tokenizer/${name}`), ITSELF);
    await refused(directory, encode, with_("run/../tokenizer/", "tokenizer/tokenizer.json"), ITSELF);
    await refused(directory, encode, with_("tokenizer/vocab.json", "tokenizer/merges.txt"), ITSELF);
    await refused(directory, encode, with_("tokenizer/merges.txt", "tokenizer/vocab.json"), ITSELF);
    const story = ["--story", "DIR/text.txt", "--backend", "wasm", "--tokenizer", "DIR/tokenizer", "--force"];
    await refused(directory, writeup, [...story, "--out", "DIR/tokenizer/tokenizer.json"], ITSELF);
    // As a shard, its provenance or the index.
    for (const name of ["q.index.json", "q-00000-of-00001.npy", "q-00000-of-00001.npy.provenance.json"]) {
      await Deno.copyFile(`${directory}/tokenizer/tokenizer.json`, `${directory}/${name}`);
      await refused(directory, encode, [...with_(name, "q"), "--shard", "0/1"], ITSELF);
      await Deno.remove(`${directory}/${name}`);
    }
    // A file that is not there yet would be read in the place of the others.
    await Deno.remove(`${directory}/tokenizer/tokenizer.json`);
    await refused(directory, encode, with_("tokenizer", "tokenizer/tokenizer.json"), ITSELF);
    await refused(directory, encode, with_("tokenizer", "tokenizer/added_tokens.json"), ITSELF);
    // Beside them there is room.
    const made = await capture(encode, ...fill(with_("tokenizer", "tokenizer/ids.npy"), directory));
    assertEquals(made.code, 0, made.stderr);
    await loadTokenizer(`${directory}/tokenizer`, { pattern: "gpt2" });
  }));

/** Runs `body`; whether it opened the text more often than once, to see whether it is text. */
async function reads(text: string, body: () => Promise<void>): Promise<number> {
  using opens = spy(Deno, "openSync");
  await body();
  return opens.calls.filter(({ args: [path] }) => path === text).length;
}

Deno.test("what stands beside the ids is an output too: nothing else gives way to it, and it is tried first", () =>
  withInputs(async (directory) => {
    const text = `${directory}/text.txt`;
    const early = async (args: readonly string[], says: RegExp) => {
      assertEquals(await reads(text, () => refused(directory, encode, args, says)), 1);
    };
    for (const [out, shard] of [["r.npy", []], ["r", ["--shard", "0/1"]]] as const) {
      const beside = `${directory}/${out === "r" ? "r-00000-of-00001.npy" : out}.provenance.json`;
      await Deno.copyFile(text, beside);
      for (const force of [[], ["--force"]]) {
        await refused(directory, encode, encodeTo(out, ...shard, ...force).with(3, beside), ITSELF);
      }
      await refused(directory, encode, encodeTo(out, ...shard), /^error: Cannot write .*provenance\.json: .*--force/);
      await Deno.remove(beside);
      await Deno.mkdir(beside);
      for (const force of [[], ["--force"]]) {
        await early(encodeTo(out, ...shard, ...force), /^error: Cannot write .*provenance\.json: got a directory/);
      }
      await Deno.remove(beside);
      // A name that is short enough itself, here or in a directory that is still to be made.
      for (const place of ["", "new/deep/"]) {
        const long = `${place}${"n".repeat(230)}`;
        await early(
          encodeTo(`${long}.npy`, ...shard),
          /^error: Cannot (?:make|find) DIR\/.*n{200}.*: got "File name too long/,
        );
      }
    }
    const made = await capture(encode, ...fill(encodeTo("new.npy"), directory));
    assertEquals(made.code, 0, made.stderr);
    await refused(directory, encode, encodeTo("new.npy"), /^error: Cannot write DIR\/new\.npy: .*--force/);
    const again = await capture(encode, ...fill(encodeTo("new.npy", "--force"), directory));
    assertEquals(again.code, 0, again.stderr);
  }));

Deno.test("text comes from a pipe whether or not the output is there", () =>
  withInputs(async (directory) => {
    const run = async (task: string, ...args: string[]) => {
      // <(…) names a pipe that has no path of its own.
      const command = `deno run -A "$0" "\${@}" --input <(printf 'the cat sat on the mat')`;
      const root = new URL("../../", import.meta.url).pathname;
      const { code, stderr } = await new Deno.Command("bash", {
        args: ["-c", command, `${root}tasks/${task}.ts`, ...args],
        env: { PATH: `${Deno.execPath().replace(/\/[^/]+$/, "")}:${Deno.env.get("PATH")}` },
      }).output();
      assertEquals(code, 0, new TextDecoder().decode(stderr));
    };
    await Deno.writeTextFile(`${directory}/ids.npy`, "old");
    const tokenizer = await loadTokenizer(`${directory}/tokenizer`);
    await run("encode", "--tokenizer", `${directory}/tokenizer`, "--out", `${directory}/ids.npy`, "--force");
    assertEquals([...await readNpy(`${directory}/ids.npy`)], [...tokenizer.encode("the cat sat on the mat")]);
    await Deno.mkdir(`${directory}/empty`);
    await run("train_bpe", "--vocab-size", "258", "--out", `${directory}/empty`);
    assertEquals((await loadTokenizer(`${directory}/empty`)).vocabSize, 258);
  }));

Deno.test("--force replaces no pipe, socket or device, nor a link to one, for any task that writes a file", () =>
  withInputs(async (directory) => {
    const makePipe = await new Deno.Command("mkfifo", { args: [`${directory}/pipe`] }).output();
    assert(makePipe.success);
    using _socket = Deno.listen({ transport: "unix", path: `${directory}/socket` });
    await Deno.symlink("/dev/null", `${directory}/null`);
    await Deno.symlink("nowhere", `${directory}/nowhere`);
    // As /dev/stdout leads to what a shell opened: a file, perhaps.
    await Deno.symlink("/proc/self/status", `${directory}/proc`);
    const kinds = {
      pipe: "a pipe",
      socket: "a socket",
      null: "a device",
      nowhere: "a link that leads nowhere",
      proc: "a link into /proc",
    };
    for (const { main, args, flag, writes } of Object.values(WRITERS)) {
      if (writes !== "file") continue;
      for (const [name, kind] of Object.entries(kinds)) {
        const says = new RegExp(`^error: Cannot write DIR/${name}: got ${kind}, must be a plain file`);
        await refused(directory, main, [...args, flag, `DIR/${name}`, "--force"], says);
      }
    }
    await Deno.rename(`${directory}/pipe`, `${directory}/q-00001-of-00002.npy`);
    const shard = encodeTo("q", "--shard", "0/2", "--force");
    await refused(directory, encode, shard, /^error: Cannot write DIR\/q-00001-of-00002\.npy: got a pipe/);
  }));
