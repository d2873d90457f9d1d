import { assertEquals, assertRejects } from "@std/assert";
import { toBytes } from "@std/streams";
import { expandInputs, type InputReport } from "../../lib/corpus/expand_inputs.ts";
import { textSourceOf } from "../../lib/corpus/text_inputs.ts";
import { UserError } from "../../lib/errors.ts";
import { fileFilter } from "../../tasks/cli/file_filter.ts";
import { keptPieces } from "../dataset/pieces.ts";
import { encode, type Files, gzip, readAll, withFiles, zstd } from "./input_files.ts";

Deno.test("expandInputs() takes directories apart in the order of paths, and refuses what it cannot read", async () => {
  await withFiles({
    "in/c.txt.gz": gzip("c"),
    "in/a.jsonl": "{}",
    "in/b/z.ndjson.gz": gzip("{}"),
    "in/.git": "x",
    "none/.x": "x",
    empty: "",
  }, async (dir) => {
    const inputs = await expandInputs([`${dir}/in/`, "-"], { stdinIsJsonLines: true });
    assertEquals(inputs.map(({ path, isGzip, isJsonLines }) => [path, isGzip, isJsonLines]), [
      [`${dir}/in/a.jsonl`, false, true],
      [`${dir}/in/b/z.ndjson.gz`, true, true],
      [`${dir}/in/c.txt.gz`, true, false],
      ["-", false, true],
    ]);
    assertEquals(inputs.map(({ bytes }) => bytes), [2, gzip("{}").length, gzip("c").length, undefined]);
    await Deno.symlink("self", `${dir}/self`);
    await assertRejects(() => expandInputs([`${dir}/missing`]), UserError, "no such file");
    await assertRejects(() => expandInputs([`${dir}/self`]), UserError, "no such file");
    await assertRejects(() => expandInputs([`${dir}/none`]), UserError, "there is no text in it");
    await assertRejects(
      () => expandInputs([`${dir}/in`], { include: fileFilter("*.md") }),
      UserError,
      "there is no text named *.md in it",
    );
    await assertRejects(
      () => expandInputs([`${dir}/in/a.jsonl`], { include: fileFilter("*") }),
      UserError,
      "no directory",
    );
    await assertRejects(
      () => expandInputs([`${dir}/in/a.jsonl`], { exclude: [fileFilter("*.x"), fileFilter("*.y")] }),
      UserError,
      "Cannot leave out files that match *.x or *.y: there is no directory",
    );
    await assertRejects(
      () => expandInputs([`${dir}/in`], { include: [fileFilter("*.md"), fileFilter("*.x")] }),
      UserError,
      "there is no text named *.md or *.x in it",
    );
    await assertRejects(
      () => expandInputs([`${dir}/in`], { exclude: fileFilter("*") }),
      UserError,
      `there is no text in it (skipped ${dir}/in/.git: hidden, and `,
    );
    await assertRejects(() => expandInputs([`${dir}/empty`]), UserError, "an empty file");
    await assertRejects(() => expandInputs(["-", "-"]), UserError, "must be given once");
  });
});

const ZIP = encode("PK\x03\x04 and so on");
const RANDOM = crypto.getRandomValues(new Uint8Array(3000));

Deno.test("what is not text is refused by name, wherever it comes from", async () => {
  const cases: readonly (readonly [name: string, bytes: Uint8Array, says: string])[] = [
    ["a.zip", ZIP, "got a zip archive or an office document, must be text in UTF-8. Unpack it with unzip"],
    ["random.txt", RANDOM, "got binary data, must be text in UTF-8"],
    ["a.zip.gz", gzip(ZIP), "got a zip archive or an office document inside gzip data"],
    ["twice.gz", gzip(gzip("text")), "got gzip data inside gzip data"],
    ["twice.zst", zstd(gzip("text")), "got gzip data inside zstd data, must be text in UTF-8. Unpack it first"],
    ["a.zip.zst", zstd(ZIP), "got a zip archive or an office document inside zstd data"],
    ["lines.jsonl", RANDOM, "got binary data"],
    ["lines.jsonl.gz", gzip(RANDOM), "got binary data inside gzip data"],
  ];
  for (const [name, bytes, says] of cases) {
    await withFiles({ [name]: bytes }, async (dir) => {
      await assertRejects(() => expandInputs([`${dir}/${name}`]), UserError, `Cannot read ${dir}/${name}: ${says}`);
    });
    const stdin = await expandInputs(["-"], { stdinIsJsonLines: name.includes("jsonl") });
    const refused = () => readAll(stdin, keptPieces(bytes, 100));
    await assertRejects(refused, UserError, `Cannot read standard input: ${says}`);
  }
  await withFiles({ "plain.gz": "some text" }, async (dir) => {
    await assertRejects(() => expandInputs([`${dir}/plain.gz`]), UserError, "it is not gzip data");
  });
  await withFiles({ "plain.zst": "some text", "cut.zst": zstd("some text").subarray(0, -1) }, async (dir) => {
    await assertRejects(() => expandInputs([`${dir}/plain.zst`]), UserError, "it is not zstd data. Rename it");
    const cut = await expandInputs([`${dir}/cut.zst`]);
    await assertRejects(() => readAll(cut), UserError, `Cannot unpack ${dir}/cut.zst: got damaged zstd data`);
  });
});

Deno.test("gzip is known by its bytes: files and streams are unpacked, whatever their names", async () => {
  await withFiles({ "a.txt": gzip("one"), "b.jsonl": gzip('{"text":"two"}'), "c.gz": gzip("three") }, async (dir) => {
    const inputs = await expandInputs([`${dir}/a.txt`, `${dir}/b.jsonl`, `${dir}/c.gz`, "-"]);
    assertEquals(await readAll(inputs, keptPieces(gzip("four"), 3)), "[one][two][three][four]");
  });
});

Deno.test("inputs without text are refused; in a directory they may be, but not all of them", async () => {
  const nothing = gzip("");
  const all: readonly Files[] = [{ "a.gz": nothing }, { "a.jsonl": "\n\n" }, { "a.jsonl.gz": gzip('{"text":""}') }];
  for (const files of all) {
    await withFiles(files, async (dir) => {
      const path = `${dir}/${Object.keys(files)[0]}`;
      const named = await expandInputs([path]);
      await assertRejects(() => readAll(named), UserError, `Cannot read ${path}: `);
      assertEquals((await readAll(await expandInputs([dir]))).replace("[]", ""), "");
    });
  }
  for (const stdinIsJsonLines of [false, true]) {
    const stdin = await expandInputs(["-"], { stdinIsJsonLines });
    await assertRejects(
      () => readAll(stdin, keptPieces(encode(""), 1)),
      UserError,
      "Cannot read standard input: got nothing",
    );
    const mayBeEmpty = await expandInputs(["-"], { stdinIsJsonLines, stdinMayBeEmpty: true });
    assertEquals((await readAll(mayBeEmpty, keptPieces(encode(""), 1))).replace("[]", ""), "");
  }
});

Deno.test("expandInputs() reports what it found, what it passed over, and what is odd", async () => {
  const latin = Uint8Array.from("caf\xe9 ".repeat(9), (char) => char.charCodeAt(0));
  await withFiles({
    "in/a.txt": "text",
    "in/b.txt": "\ufefftext",
    "in/c.txt": latin,
    "in/d.gz": gzip(latin),
    "in/e.jsonl": latin,
    "in/f.bin": RANDOM,
    "in/g.gz": "text",
    "in/h.gz": gzip(ZIP),
    "in/.i": "text",
    "in/__pycache__/a.pyc": RANDOM,
  }, async (dir) => {
    await Deno.symlink("a.txt", `${dir}/in/link.txt`);
    let report: InputReport | undefined;
    await expandInputs([`${dir}/in/a.txt`, `${dir}/in`], { onReport: (all) => report = all });
    const short = (path: string) => path.slice(dir.length + 4);
    assertEquals(report!.found.map(({ path }) => short(path)), ["a.txt", "b.txt", "c.txt", "d.gz", "e.jsonl"]);
    assertEquals(
      report!.skipped.map(({ path, reason }) => `${short(path)}: ${reason}`).sort(),
      [
        ".i: hidden",
        "__pycache__/a.pyc: binary data",
        "f.bin: binary data",
        "g.gz: not gzip data",
        "h.gz: a zip archive or an office document inside gzip data",
        "link.txt: read already",
      ],
    );
    assertEquals(report!.repeated.map(short), ["a.txt"]);
    assertEquals(report!.notUtf8.map(short), ["c.txt", "d.gz"]);
    assertEquals(report!.marked.map(short), ["b.txt"]);
  });
});

Deno.test("odd text from a stream is read as it is, with a warning", async () => {
  const warned: string[] = [];
  const [stdin] = await expandInputs(["-"]);
  const bytes = Uint8Array.of(0xef, 0xbb, 0xbf, ...encode("text \xff ").subarray(0, 5), 0xff, 0x20);
  const source = textSourceOf(stdin, { stdin: keptPieces(bytes, 2), onWarning: (message) => warned.push(message) });
  assertEquals(await toBytes(ReadableStream.from(source as AsyncIterable<Uint8Array>)), bytes);
  assertEquals(warned, [
    "standard input is not UTF-8; its bytes are kept as they are",
    "standard input starts with a byte order mark, which stays part of the text",
  ]);
});

Deno.test({
  name: "a pipe is read as a stream, though it says that it has no bytes",
  ignore: Deno.build.os === "windows",
  async fn() {
    await withFiles({}, async (dir) => {
      const path = `${dir}/pipe`;
      assertEquals((await new Deno.Command("mkfifo", { args: [path] }).output()).code, 0);
      const inputs = await expandInputs([path]);
      const [text] = await Promise.all([readAll(inputs), Deno.writeTextFile(path, "some text")]);
      assertEquals(text, "[some text]");
    });
  },
});

Deno.test({
  name: "reading a pipe that nobody writes to ends when it is told to",
  ignore: Deno.build.os === "windows",
  async fn() {
    await withFiles({}, async (dir) => {
      const path = `${dir}/pipe`;
      assertEquals((await new Deno.Command("mkfifo", { args: [path] }).output()).code, 0);
      const [input] = await expandInputs([path]);
      const controller = new AbortController();
      const source = textSourceOf(input, { signal: controller.signal }) as AsyncIterable<Uint8Array>;
      const reading = assertRejects(() => Array.fromAsync(source), UserError, "stopped");
      controller.abort(new UserError("stopped"));
      await reading;
      // Lets the opening go that still waits.
      (await Deno.open(path, { write: true })).close();
    });
  },
});
