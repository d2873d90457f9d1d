import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { gzipSync } from "node:zlib";
import { byteLines, jsonLinesField } from "../../lib/dataset/json_lines.ts";
import { expandInputs } from "../../lib/dataset/text_inputs.ts";
import { UserError } from "../../lib/errors.ts";
import { gunzip } from "../../lib/io/gunzip.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** Pieces of `size` bytes, all in the same memory. */
async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const piece = new Uint8Array(size);
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    piece.set(part);
    yield piece.subarray(0, part.length);
  }
}

Deno.test("byteLines() gives what String.split() gives, wherever the bytes were cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom("\n", "a", "é", "\r\n"), { maxLength: 20 }),
      fc.integer({ min: 1, max: 7 }),
      async (atoms, size) => {
        const text = atoms.join("");
        const expected = text.split("\n");
        if (expected.at(-1) === "") expected.pop();
        const lines = await Array.fromAsync(
          byteLines(cut(encode(text), size)),
          (line) => new TextDecoder().decode(line),
        );
        assertEquals(lines, expected);
      },
    ),
    { seed: 2, numRuns: 300 },
  );
});

Deno.test("jsonLinesField() names the line that is not as it must be", async () => {
  const read = (text: string, field = "text") =>
    Array.fromAsync(jsonLinesField(cut(encode(text), 5), field, "x.jsonl"));
  assertEquals(await read('{"text":"a\\nb"}\n\n \n{"text":"","n":1}'), ["a\nb", ""]);
  await assertRejects(() => read('{"text":"a"}\n{"text":'), UserError, "Cannot read x.jsonl, line 2: got no JSON");
  await assertRejects(() => read('{"text":3}'), UserError, 'line 1: got no text in "text"');
  await assertRejects(() => read("[1]"), UserError, 'no text in "text"');
  await assertRejects(() => read("{}", "constructor"), UserError, 'no text in "constructor"');
});

Deno.test("gunzip() unpacks any number of members, and says when data is damaged", async () => {
  const text = encode("some text ".repeat(1000));
  const packed = new Uint8Array(gzipSync(text));
  async function* pieces(...parts: Uint8Array[]) {
    for (const part of parts) yield part;
  }
  const unpack = async (...parts: Uint8Array[]) => {
    const unpacked = await Array.fromAsync(gunzip(pieces(...parts), "x.gz"));
    return unpacked.flatMap((piece) => [...piece]);
  };
  assertEquals(await unpack(packed.subarray(0, 9), packed.subarray(9), packed), [...text, ...text]);
  await assertRejects(() => unpack(packed.subarray(0, -1)), UserError, "Cannot unpack x.gz");
  await assertRejects(() => unpack(text), UserError, "damaged gzip data");
  const wrong = packed.slice();
  wrong[wrong.length - 6] ^= 1;
  await assertRejects(() => unpack(wrong), UserError, "damaged gzip data");
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield packed.subarray(0, 20);
    throw new TypeError("the source broke");
  }
  await assertRejects(() => Array.fromAsync(gunzip(broken(), "x.gz")), TypeError, "the source broke");
});

Deno.test("expandInputs() takes directories apart in the order of paths, and refuses what it cannot read", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${dir}/in/b`, { recursive: true });
    await Deno.mkdir(`${dir}/none`);
    for (const name of ["in/c.txt.gz", "in/a.jsonl", "in/b/z.ndjson.gz", "in/.git", "empty"]) {
      await Deno.writeTextFile(`${dir}/${name}`, name === "empty" ? "" : name);
    }
    const inputs = await expandInputs([`${dir}/in/`, "-"], { stdinIsJsonLines: true });
    assertEquals(inputs.map(({ path, bytes, isGzip, isJsonLines }) => [path, bytes, isGzip, isJsonLines]), [
      [`${dir}/in/a.jsonl`, 10, false, true],
      [`${dir}/in/b/z.ndjson.gz`, 16, true, true],
      [`${dir}/in/c.txt.gz`, 11, true, false],
      ["-", null, false, true],
    ]);
    await assertRejects(() => expandInputs([`${dir}/missing`]), UserError, "no such file");
    await assertRejects(() => expandInputs([`${dir}/none`]), UserError, "a directory without text");
    await assertRejects(() => expandInputs([`${dir}/empty`]), UserError, "an empty file");
    await assertRejects(() => expandInputs(["-", "-"]), UserError, "must be given once");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
