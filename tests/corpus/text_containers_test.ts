import { assertEquals, assertRejects } from "@std/assert";
import { toText } from "@std/streams";
import { expandInputs, type InputReport } from "../../lib/corpus/expand_inputs.ts";
import { textBytes } from "../../lib/corpus/text_bytes.ts";
import { textSourceOf } from "../../lib/corpus/text_inputs.ts";
import { UserError } from "../../lib/errors.ts";
import { keptPieces } from "../dataset/pieces.ts";
import { encode, type Files, gzip, readAll, utf16, withFiles, zstd } from "./input_files.ts";

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
