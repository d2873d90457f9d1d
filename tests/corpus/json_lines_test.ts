import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { byteLines, jsonLinesField } from "../../lib/corpus/json_lines.ts";
import { UserError } from "../../lib/errors.ts";
import { reusedPieces } from "../dataset/pieces.ts";

const encode = (text: string) => new TextEncoder().encode(text);

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
          byteLines(reusedPieces(encode(text), size), "x"),
          (line) => new TextDecoder().decode(line),
        );
        assertEquals(lines, expected);
      },
    ),
    { seed: 2, numRuns: 300 },
  );
});

Deno.test("byteLines() refuses exactly the lines that are too long, wherever the bytes were cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 30 }),
      async (lengths, size) => {
        const bytes = encode(lengths.map((length) => "x".repeat(length)).join("\n"));
        const all = () => Array.fromAsync(byteLines(reusedPieces(bytes, size), "x", { maxLineBytes: 9 }), () => {});
        const tooLong = lengths.findIndex((length) => length > 9);
        if (tooLong < 0) await all();
        else await assertRejects(all, UserError, `line ${tooLong + 1}: got more than 9 bytes`);
      },
    ),
    { seed: 3, numRuns: 300 },
  );
});

Deno.test("byteLines() reads no further than a line may be long", async () => {
  let given = 0;
  async function* endless() {
    for (;; given++) yield encode("x".repeat(100));
  }
  await assertRejects(() => Array.fromAsync(byteLines(endless(), "x", { maxLineBytes: 1000 })), UserError, "line 1");
  assertEquals(given, 10);
});

const read = (text: string | Uint8Array, field = "text", name = "x.jsonl") =>
  Array.fromAsync(jsonLinesField(reusedPieces(typeof text === "string" ? encode(text) : text, 5), field, name));

Deno.test("jsonLinesField() names the line that is not as it must be", async () => {
  assertEquals(await read('{"text":"a\\nb"}\n\n \n{"text":"","n":1}'), ["a\nb", ""]);
  const refused = (text: string | Uint8Array, message: string, field?: string) =>
    assertRejects(() => read(text, field), UserError, message);
  await refused('{"text":"a"}\n{"text":', "Cannot read x.jsonl, line 2: got text that is not JSON");
  await refused('{"text":3}', 'line 1: got no text in "text"');
  await refused("[1]", 'no text in "text"');
  await refused("null", 'no text in "text"');
  await refused("{}", 'no text in "constructor"', "constructor");
  await refused('{"a":{"text":"x"}}', 'no text in "text"');
  await refused('{"a":{"text":"x"}}', 'no text in "a.text"', "a.text");
  await refused(`${'{"a":'.repeat(100_000)}`, "line 1: got");
  const latin = Uint8Array.from('{"text":"caf\xe9"}', (char) => char.charCodeAt(0));
  await refused(latin, "line 1: got bytes that are not UTF-8");
});

Deno.test("jsonLinesField() reads what other programs write", async () => {
  assertEquals(await read('{"text":"a"}\r\n{"text":"b"}\r\n'), ["a", "b"], "line ends of Windows");
  assertEquals(await read('\ufeff{"text":"a"}\n\ufeff{"text":"b"}'), ["a", "b"], "byte order marks");
  assertEquals(await read('{"text":"\ufeffa"}'), ["\ufeffa"], "a byte order mark in the text is text");
  assertEquals(await read('{"text":"a","text":"b"}'), ["b"], "of a field that is there twice the last counts");
  assertEquals(await read('{"text":"\u2028a\\u00e9\ud83d\ude43"}'), ["\u2028aé🙃"]);
});

Deno.test("jsonLinesField() refuses data without any text", async () => {
  for (const data of ["", "\n\n", '{"text":""}\n{"text":""}']) {
    await assertRejects(() => read(data), UserError, "got no text in any of its");
    const quiet = jsonLinesField(reusedPieces(encode(data), 5), "text", "x", { mayBeEmpty: true });
    assertEquals((await Array.fromAsync(quiet)).join(""), "");
  }
});
