import { assert, assertEquals, assertRejects } from "@std/assert";
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

Deno.test("jsonLinesField() answers a field without text with those that the line has, texts first", async () => {
  const next = async (line: string) => {
    const error = await assertRejects(() => read(line), UserError);
    return error.message.slice(error.message.indexOf('"text". ') + '"text". '.length);
  };
  assertEquals(
    await next('{"id":7,"title":"a","meta":{"text":"x"},"body":""}'),
    'Name the field that has it; fields with text are "title", "body"; others are "id", "meta"',
  );
  assertEquals(await next('{"body":"a"}'), 'Name the field that has it; fields with text are "body"');
  assertEquals(await next('{"text":null}'), 'None of its fields has text: "text". Fix or remove the line');
  assertEquals(await next("{}"), "It has no fields: fix or remove the line");
  assertEquals(await next('["text"]'), "Each line must be one object");
  const fields = (numTexts: number, numOthers: number) =>
    JSON.stringify(Object.fromEntries([
      ...Array.from({ length: numOthers }, (_, i) => [`n${i}`, i]),
      ...Array.from({ length: numTexts }, (_, i) => [`t${i}`, "x"]),
    ]));
  const named = async (line: string) => (await next(line)).match(/"[nt]\d+"|and \d+ more/g)!.join(" ");
  assertEquals(await named(fields(10, 10)), '"t0" "t1" "t2" "t3" "t4" "t5" "t6" "t7" and 2 more');
  assertEquals(await named(fields(8, 10)), '"t0" "t1" "t2" "t3" "t4" "t5" "t6" "t7"');
  assertEquals(await named(fields(6, 3)), '"t0" "t1" "t2" "t3" "t4" "t5" "n0" "n1" and 1 more');
  assertEquals(await named(fields(0, 9)), '"n0" "n1" "n2" "n3" "n4" "n5" "n6" "n7" and 1 more');
  const long = await next(JSON.stringify({ ["a\u001b[31m\n".repeat(1000)]: "x" }));
  assert(long.length < 250 && !/\p{Cc}/u.test(long), long);
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
    await assertRejects(() => read(data), UserError, "none of its");
    const quiet = jsonLinesField(reusedPieces(encode(data), 5), "text", "x", { mayBeEmpty: true });
    assertEquals((await Array.fromAsync(quiet)).join(""), "");
  }
});
