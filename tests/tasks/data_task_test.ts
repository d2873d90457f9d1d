import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { main } from "../../tasks/data.ts";
import { capture } from "../cli/capture.ts";
import { runTaskProcess, taskCommand } from "../harness/run_task.ts";
import { UnreliableServer } from "../dataset/unreliable_server.ts";

const SHAKESPEARE = new URL("../../data/shakespeare.txt", import.meta.url);

Deno.test("data --dataset brings a dataset from a mirror, through a broken connection", async () => {
  const dir = await Deno.makeTempDir();
  const text = await Deno.readFile(SHAKESPEARE);
  try {
    await using server = new UnreliableServer(text, [{ dropAfter: 300_000 }]);
    const args = ["--dataset", "shakespeare", "--out", dir, "--base-url", `${server.url}/mirror/`];
    const { code, stdout, stderr } = await capture(main, ...args);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, "shakespeare.txt: 1.1 MB, SHA-256 86c4e6aa");
    assertStringIncludes(stderr, "1.1 MB of 1.1 MB");
    assertEquals(server.seen.map(({ path, range }) => [path, range]), [
      ["/mirror/input.txt", null],
      ["/mirror/input.txt", "bytes=300000-"],
    ]);
    assertEquals(await Deno.readFile(`${dir}/shakespeare.txt`), text);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("data says what is wrong with an address in one line, and asks once", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const page = new TextEncoder().encode("<html>Log in</html>");
    await using server = new UnreliableServer(page, [{ status: 404 }, { type: "text/html; charset=utf-8" }]);
    const data = (url: string) => capture(main, "--dataset", "tinystories", "--out", dir, "--base-url", url);
    for (
      const [url, code, says] of [
        ["nonsense", 2, "got --base-url nonsense, must be an address that begins with https:// or http://"],
        ["file:///etc", 2, "got --base-url file:///etc, must be"],
        [server.url, 1, "got HTTP status 404"],
        [server.url, 1, "got a web page, must be the file"],
        // Of another size: the end of a page that a server calls nothing in particular.
        [server.url, 1, `got a file of ${page.length} bytes, must be of 2227753162`],
      ] as const
    ) {
      const result = await data(url);
      assertEquals([result.code, result.stdout], [code, ""]);
      assertStringIncludes(result.stderr, says);
      assertEquals(result.stderr.trimEnd().split("\n").filter((line) => line.startsWith("error: ")).length, 1);
      assertEquals(Array.from(Deno.readDirSync(dir)), []);
    }
    assertEquals(server.seen.filter(({ range }) => range === null).length, 3);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("data that brings nothing leaves no directory; another file in a dataset's place is named, and what replaces it", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const out = `${dir}/out`;
    const empty = await runTaskProcess("data", ["--input", "-", "--out", out], "");
    assertEquals(empty.code, 1, empty.stderr);
    await using server = new UnreliableServer(new Uint8Array(1), [{ status: 404 }, { status: 404 }]);
    const args = ["--dataset", "shakespeare", "--out", out, "--base-url", server.url];
    assertEquals((await capture(main, ...args)).code, 1);
    assertEquals(Array.from(Deno.readDirSync(dir)), []);
    await Deno.mkdir(out);
    await Deno.writeTextFile(`${out}/shakespeare.txt`, "mine");
    const { code, stderr } = await capture(main, ...args);
    assertEquals(code, 1);
    assertMatch(stderr, /^error: Cannot write .*another file of this name .* replace it with --force\n$/);
    assertEquals(await Deno.readTextFile(`${out}/shakespeare.txt`), "mine");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("data ends with 130 on Ctrl-C; the same command again goes on", async () => {
  const dir = await Deno.makeTempDir();
  const text = await Deno.readFile(SHAKESPEARE);
  try {
    await using server = new UnreliableServer(text, [{ hangAfter: 500_000 }]);
    const args = ["--dataset", "shakespeare", "--out", dir, "--base-url", server.url];
    const process = taskCommand("data", args, { stdin: "null" }).spawn();
    await server.hangs;
    process.kill("SIGINT");
    const { code, stderr } = await process.output();
    assertEquals(code, 130, new TextDecoder().decode(stderr));
    assertEquals(new TextDecoder().decode(stderr).includes("    at "), false);
    assertEquals((await runTaskProcess("data", args)).code, 0);
    assertEquals(await Deno.readFile(`${dir}/shakespeare.txt`), text);
    assertEquals(Array.from(Deno.readDirSync(dir), ({ name }) => name).sort(), ["dataset.json", "shakespeare.txt"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("data --input splits documents of several kinds of file; mistakes change nothing", async () => {
  const dir = await Deno.makeTempDir();
  const out = `${dir}/out`;
  try {
    await Deno.mkdir(`${dir}/in`);
    await Deno.writeTextFile(`${dir}/in/a.txt`, "a1<|endoftext|>a2<|endoftext|>\n");
    const lines = ["b1", "b2", "b3"].map((body) => `${JSON.stringify({ body })}\n`).join("");
    await Deno.writeTextFile(`${dir}/in/b.jsonl`, lines);
    const run = (...args: string[]) => capture(main, "--input", `${dir}/in`, "--out", out, ...args);
    const wrongField = await run();
    assertEquals(wrongField.code, 1);
    assertStringIncludes(wrongField.stderr, `b.jsonl, line 1: got no text in "text". Name`);
    await assertRejects(() => Deno.stat(out), Deno.errors.NotFound);
    // One that was there already is left.
    await Deno.mkdir(out);
    assertEquals((await run()).code, 1);
    assertEquals(Array.from(Deno.readDirSync(out)), []);
    await Deno.remove(out);
    const { code, stderr } = await run("--field", "body", "--valid-fraction", "0.4");
    assertEquals([code, stderr], [0, "Found 2 files of text, 73 B: 1 .jsonl (42 B), 1 .txt (31 B)\n"]);
    const read = async (name: string) => (await Deno.readTextFile(`${out}/${name}`)).split("<|endoftext|>");
    const both = [...await read("train.txt"), ...await read("valid.txt")].filter(Boolean);
    assertEquals(both.sort(), ["a1", "a2", "b1", "b2", "b3"]);
    assertStringIncludes((await run("--field", "body")).stderr, "--force");
    assertEquals((await capture(main, "--out", out)).code, 2);
    assertEquals((await run("--dataset", "owt")).code, 2);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("data --input says when validation documents are in the training text too", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/a.txt`, "the same<|endoftext|>".repeat(20));
    const args = ["--input", `${dir}/a.txt`, "--out", `${dir}/out`, "--valid-fraction", "0.4"];
    const { code, stderr } = await capture(main, ...args);
    assertEquals(code, 0);
    const numValid = (await Deno.readTextFile(`${dir}/out/valid.txt`)).split("<|endoftext|>").length - 1;
    assertStringIncludes(
      stderr,
      `warning: ${numValid} of ${numValid} validation documents are in the training text too`,
    );
    const others = Array.from({ length: 20 }, (_, i) => `number ${i}<|endoftext|>`).join("");
    await Deno.writeTextFile(`${dir}/a.txt`, `${others}${"the same<|endoftext|>\n".repeat(20)}`);
    const once = await capture(main, ...args, "--force", "--drop-duplicates");
    assertEquals([once.code, once.stderr], [0, "dropped 19 duplicate documents\n"]);
    const written = ["train", "valid"].map((part) => Deno.readTextFileSync(`${dir}/out/${part}.txt`)).join("");
    assertEquals(written.split("<|endoftext|>").length - 1, 21);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("data --input says when a document of JSON Lines has the separator in it", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const texts = [
      "one<|endoftext|>two",
      "<|endoftext|>",
      ...Array.from({ length: 20 }, (_, i) => `document ${i} <|end`),
    ];
    await Deno.writeTextFile(`${dir}/a.jsonl`, texts.map((text) => `${JSON.stringify({ text })}\n`).join(""));
    const args = ["--input", `${dir}/a.jsonl`, "--out", `${dir}/out`, "--valid-fraction", "0.4"];
    const { code, stderr } = await capture(main, ...args);
    assertEquals(code, 0);
    assertStringIncludes(stderr, "warning: 2 documents have <|endoftext|> in them, and will be read as several");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
