import { assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { EXAMINED_BYTES, examineText } from "../../lib/corpus/text_format.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url);
const encode = (text: string) => new TextEncoder().encode(text);
const head = (bytes: Uint8Array) => bytes.subarray(0, EXAMINED_BYTES);
const fixture = (name: string) => head(Deno.readFileSync(new URL(name, FIXTURES)));

/** "some text\n" as other programs packed it. */
const PACKED: Readonly<Record<string, string>> = {
  "an xz archive": "/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAJc29tZSB0ZXh0CgAAAIBBSQ0R2v4bAAEiChUa4WcftvN9AQAAAAAEWVo=",
  "a bzip2 archive": "QlpoOTFBWSZTWRBpYvUAAANRgAAQQAACAoxAIAAiAxqEMCJy1xgeLuSKcKEgINLF6g==",
  "an lz4 archive": "BCJNGGRApwoAAIBzb21lIHRleHQKAAAAAJlop6g=",
  "a zip archive or an office document":
    "UEsDBAoAAAAAAPkde1285iwZCgAAAAoAAAAFABwAcy50eHRVVAkAA2b9CGtm/QhrdXgLAAEEAAAAAAQAAAAAc29tZSB0ZXh0ClBLAQIeAwoAAAAAAPkde1285iwZCgAAAAoAAAAFABgAAAAAAAEAAACkgQAAAABzLnR4dFVUBQADZv0Ia3V4CwABBAAAAAAEAAAAAFBLBQYAAAAAAQABAEsAAABJAAAAAAA=",
};

function assertOther(bytes: Uint8Array, format: string): void {
  const examined = examineText(bytes);
  assertEquals(examined.kind === "other" ? examined.format : examined.kind, format);
}

Deno.test("examineText() knows what other programs wrote", () => {
  for (const [format, packed] of Object.entries(PACKED)) assertOther(Uint8Array.fromBase64(packed), format);
  assertEquals(examineText(new Uint8Array(gzipSync("some text"))).kind, "gzip");
  assertEquals(examineText(Uint8Array.fromBase64("KLUv/SQKUQAAc29tZSB0ZXh0CgLlGgY=")).kind, "zstd");
  // What pzstd puts before the first frame.
  const skippable = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 0, 0, 0);
  assertEquals(examineText(skippable).kind, "zstd");
  assertOther(fixture("torch/train_8_steps.safetensors"), "a safetensors file");
  const program = new Uint8Array(EXAMINED_BYTES);
  using file = Deno.openSync(Deno.execPath());
  file.readSync(program);
  assertMatch(JSON.stringify(examineText(program)), /program|binary data/);
});

Deno.test("examineText() knows other formats by their first bytes, whatever a file is called", () => {
  const latin1 = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));
  for (
    const [start, format] of [
      ["PAR1\x15\0", "a Parquet file"],
      ["ARROW1\0\0", "an Arrow file"],
      ["\xff\xff\xff\xff\x90\x01\0\0\x10\0", "an Arrow stream"],
      ["ORC\x03", "an ORC file"],
      ["\x93NUMPY\x01\0", "a NumPy file"],
      ["\x88\xd8\x34\x01\x01\0\0\0", "a token file of llm.c"],
      ["\xa1\xd9\x34\x01\x07\0\0\0", "a token file of llm.c"],
      ["GGUF\x03\0\0\0", "a GGUF file"],
      ["%PDF-1.7\n", "a PDF document"],
      ["\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of Office 2003 or before"],
    ]
  ) assertOther(latin1(`${start}${"and so on ".repeat(50)}`), format);
});

Deno.test("examineText() knows UTF-16 and UTF-32 by their mark, and without one by where their NULs are", () => {
  const text = "Grüße aus Köln, und so weiter.\n".repeat(20);
  const little16 = new Uint8Array(Buffer.from(text, "utf16le"));
  const swap = (bytes: Uint8Array, width: number) => bytes.map((_, i) => bytes[i - i % width + width - 1 - i % width]);
  const little32 = new Uint8Array(Uint32Array.from(text, (char) => char.codePointAt(0)!).buffer);
  const marked = (mark: number[], bytes: Uint8Array) => Uint8Array.of(...mark, ...bytes);
  for (
    const [bytes, format] of [
      [little16, "text in UTF-16"],
      [swap(little16, 2), "text in UTF-16"],
      [little32, "text in UTF-32"],
      [swap(little32, 4), "text in UTF-32"],
      [marked([0xff, 0xfe, 0, 0], little32), "text in UTF-32"],
      [marked([0, 0, 0xfe, 0xff], swap(little32, 4)), "text in UTF-32"],
    ] as const
  ) assertOther(head(bytes), format);
  for (
    const [bytes, encoding] of [
      [marked([0xff, 0xfe], new Uint8Array(Buffer.from("你好吗", "utf16le"))), "utf-16le"],
      [marked([0xfe, 0xff], swap(little16, 2)), "utf-16be"],
    ] as const
  ) assertEquals(examineText(head(bytes)), { kind: "text", isUtf8: true, hasByteOrderMark: false, encoding });
});

Deno.test("examineText() finds random bytes binary, and text with NULs all over", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 8, max: 128 }), (key, numBlocks) => {
      const blocks = Array.from({ length: numBlocks }, (_, i) => createHash("sha512").update(`${key} ${i}`).digest());
      assertEquals(examineText(Buffer.concat(blocks)).kind, "other");
    }),
    { seed: 31, numRuns: 300 },
  );
  assertOther(encode("name\0value\0".repeat(100)), "binary data");
});

Deno.test("examineText() takes odd text as text", () => {
  const isText = (bytes: Uint8Array, isUtf8: boolean, hasByteOrderMark = false) =>
    assertEquals(examineText(bytes), { kind: "text", isUtf8, hasByteOrderMark });
  for (const name of ["cs336/corpus.en", "cs336/german.txt", "cs336/gpt2_vocab.json", "cs336/tinystories_sample.txt"]) {
    isText(fixture(name), true);
  }
  for (const text of ["", "a", "\n", "\0", "ab\0", "A", "\x1b[31mred\x1b[0m\b\f\v", "PAR1 is a magic number", "BZh"]) {
    isText(encode(text), true);
  }
  isText(encode("\ufefftext"), true, true);
  // Cut within a character, as the first bytes of a long text may be.
  for (const length of [4, 5, 6, 7, 8]) isText(encode("你好🙃").subarray(0, length), true);
  const german = new TextDecoder().decode(fixture("cs336/german.txt"));
  isText(new Uint8Array(Buffer.from(german, "latin1")), false);
  // Russian in KOI8-R: each letter a byte of its own above 0xbf.
  isText(
    Uint8Array.from("привет мир ".repeat(50), (char) => char === " " ? 0x20 : 0xc0 + char.charCodeAt(0) % 64),
    false,
  );
  // Crawled text with a NUL here and there, and columns divided by control-A.
  isText(encode(`${"some words and more words, ".repeat(40)}\0`.repeat(6)), true);
  isText(encode("some\x01columns of a\x01table from\x01Hive\n".repeat(50)), true);
});
