import { assertEquals, assertRejects } from "@std/assert";
import { toBytes, toText } from "@std/streams";
import { Buffer } from "node:buffer";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { expandInputs, type InputReport } from "../../lib/corpus/expand_inputs.ts";
import { textBytes } from "../../lib/corpus/text_bytes.ts";
import { type TextInput, textSourceOf } from "../../lib/corpus/text_inputs.ts";
import { UserError } from "../../lib/errors.ts";
import { textPieces } from "../../lib/corpus/text_source.ts";
import { textsOf } from "../../lib/corpus/texts.ts";
import { fileFilter } from "../../tasks/cli/file_filter.ts";
import { keptPieces } from "../dataset/pieces.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const gzip = (bytes: Uint8Array | string) => new Uint8Array(gzipSync(bytes));
const zstd = (bytes: Uint8Array | string) => new Uint8Array(zstdCompressSync(bytes));
/** UTF-16 with a byte order mark. */
const utf16 = (text: string) => new Uint8Array(Buffer.from(`\ufeff${text}`, "utf16le"));

/** Files by their paths, as bytes or text. */
type Files = Readonly<Record<string, Uint8Array | string>>;

async function withFiles(files: Files, body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    for (const [path, content] of Object.entries(files)) {
      await Deno.mkdir(`${dir}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeFile(`${dir}/${path}`, typeof content === "string" ? encode(content) : content);
    }
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** All text of inputs, each in brackets. */
async function readAll(inputs: readonly TextInput[], stdin?: AsyncIterable<Uint8Array>): Promise<string> {
  let all = "";
  for (const input of inputs) {
    for await (const text of textsOf(textSourceOf(input, { stdin }))) {
      const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
      all += "[";
      for await (const piece of textPieces(text)) all += decoder.decode(piece, { stream: true });
      all += "]";
    }
  }
  return all;
}

Deno.test("textBytes() gives text as it was, packed or not, however it comes; and closes its source", async () => {
  const text = "some text, and more of it\n".repeat(2000);
  for (const bytes of [encode(text), gzip(text), encode("short")]) {
    for (const size of [1 << 20, 4096, 1000, 7]) {
      const got = await toText(ReadableStream.from(textBytes(keptPieces(bytes, size), "x")));
      assertEquals(got, bytes.length < 10 ? "short" : text);
    }
  }
  const binary = crypto.getRandomValues(new Uint8Array(20_000));
  for (const bytes of [encode(text), gzip(text), binary, gzip(binary)]) {
    let isClosed = false;
    const source = async function* () {
      try {
        yield* keptPieces(bytes, 100);
      } finally {
        isClosed = true;
      }
    };
    try {
      for await (const piece of textBytes(source(), "x")) if (piece.length > 0) break;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
    assertEquals(isClosed, true);
  }
});

Deno.test("the same text comes out of every container, whatever its name and however it comes", async () => {
  const text = "Grüße, 世界 🙃\n".repeat(3000);
  const big = utf16(text).map((_, i, bytes) => bytes[i ^ 1]);
  const lines = `${JSON.stringify({ text })}\n`;
  const files: Files = {
    "a.txt": text,
    "b.txt": gzip(text),
    "c.txt": zstd(text),
    "d.txt": utf16(text),
    "e.dat": big,
    "f.zst": zstd(utf16(text)),
    "g.gz": gzip(big),
    "h.jsonl": lines,
    "i.jsonl.zst": zstd(lines),
    "j.ndjson": utf16(lines),
    "k.jsonl.gz": gzip(utf16(lines)),
  };
  await withFiles(files, async (dir) => {
    for (const [name, bytes] of Object.entries(files)) {
      assertEquals(await readAll(await expandInputs([`${dir}/${name}`])), `[${text}]`, name);
      const stdin = await expandInputs(["-"], { stdinIsJsonLines: /jsonl|ndjson/.test(name) });
      for (const size of [1001, 1 << 20]) {
        const stream = keptPieces(typeof bytes === "string" ? encode(bytes) : bytes, size);
        assertEquals(await readAll(stdin, stream), `[${text}]`, `${name} by ${size}`);
      }
    }
    const all = await expandInputs([dir]);
    assertEquals(await readAll(all), `[${text}]`.repeat(Object.keys(files).length));
    assertEquals(all.map(({ isGzip, storage }) => isGzip ? "gzip" : storage), [
      undefined,
      "gzip",
      "zstd",
      "UTF-16",
      "UTF-16",
      "zstd",
      "gzip",
      undefined,
      "zstd",
      "UTF-16",
      "gzip",
    ]);
  });
});

Deno.test("UTF-16 with half a character is refused, not mended", async () => {
  const whole = utf16("abc 🙃");
  for (const bytes of [whole.subarray(0, -1), whole.subarray(0, -2), Uint8Array.of(0xff, 0xfe, 0x00, 0xdc, 0x61, 0)]) {
    await withFiles({ "a.txt": bytes }, async (dir) => {
      const inputs = await expandInputs([`${dir}/a.txt`]);
      await assertRejects(() => readAll(inputs), UserError, `Cannot read ${dir}/a.txt: got half a character near byte`);
    });
  }
});

const LINES = '{"text":"one"}\n{"text":"two"}\n';

Deno.test("what looks like a table of texts is refused with what to do, read by field, or taken as text", async () => {
  const tables: readonly (readonly [name: string, bytes: Uint8Array | string, says: string])[] = [
    [
      "lines.txt",
      LINES,
      "got what looks like JSON Lines, must be a text, or named .jsonl. Name the field with its texts",
    ],
    ["lines.json", zstd(LINES), "got what looks like JSON Lines"],
    ["lines.dat", utf16(LINES), "got what looks like JSON Lines"],
    [
      "array.json",
      '[{"text":"one"}]',
      "got what looks like a JSON array, must be a text, or named .jsonl. Write its obj",
    ],
    ["array.jsonl", '[{"text":"one"}]', "got what looks like a JSON array"],
    ["a.csv", "id,text\n1,one\n2,two\n", "got what looks like a table (CSV)"],
    ["a.tsv", "id\ttext\n1\tone\n2\ttwo\n", "got what looks like a table (TSV)"],
  ];
  for (const [name, bytes, says] of tables) {
    await withFiles({ [`in/${name}`]: bytes, "in/z.txt": "text" }, async (dir) => {
      const path = `${dir}/in/${name}`;
      await assertRejects(() => expandInputs([path]), UserError, `Cannot read ${path}: ${says}`);
      if (name !== "array.jsonl") assertEquals((await readAll(await expandInputs([path], { asText: true })))[0], "[");
      if (says.includes("JSON Lines")) {
        assertEquals(await readAll(await expandInputs([path], { field: "text" })), "[one][two]");
      } else {
        await assertRejects(() => expandInputs([path], { field: "text" }), UserError, "got what looks like");
      }
      let report: InputReport | undefined;
      await expandInputs([`${dir}/in`], { onReport: (all) => report = all });
      assertEquals(report!.structured.map(({ path }) => path), [path]);
      assertEquals(report!.found.length, 2);
    });
  }
  const warned: string[] = [];
  const [stdin] = await expandInputs(["-"]);
  const source = textSourceOf(stdin, { stdin: keptPieces(encode(LINES), 5), onWarning: (text) => warned.push(text) });
  assertEquals(await toText(ReadableStream.from(source as AsyncIterable<Uint8Array>)), LINES);
  assertEquals(warned, [
    "standard input looks like JSON Lines; it is read as plain text, names and brackets included",
  ]);
});

Deno.test("a table is read by what the caller gives, and refused without", async () => {
  await withFiles({ "in/a.dat": "PAR1\x15 and so on", "in/b.txt": "text" }, async (dir) => {
    const path = `${dir}/in/a.dat`;
    await assertRejects(() => expandInputs([path]), UserError, `Cannot read ${path}: got a Parquet file, must be text`);
    const readParquet = async function* (path: string, { field }: { readonly field: string }) {
      yield field;
      yield await Promise.resolve(encode(path));
    };
    const [input] = await expandInputs([path], { readParquet });
    assertEquals([input.storage, input.isJsonLines, input.isGzip], ["Parquet", false, false]);
    assertEquals(await readAll([input]), `[text][${path}]`);
    assertEquals(await readAll(await expandInputs([`${dir}/in`], { readParquet })), `[text][${path}][text]`);
    const empty = async function* (): AsyncGenerator<string> {};
    await assertRejects(
      async () => await readAll(await expandInputs([path], { readParquet: empty })),
      UserError,
      "got no text in any of its rows",
    );
  });
});

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
