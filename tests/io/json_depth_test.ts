import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { UserError } from "../../lib/errors.ts";
import { MAX_JSON_DEPTH, nestsTooDeep } from "../../lib/io/json_depth.ts";
import { JsonFields, parseJsonText } from "../../lib/io/json_fields.ts";
import { parseHeader } from "../../lib/formats/safetensors_header.ts";

const SOURCE = { name: "a.json", nextStep: "Write it again" };
const SPACE = " ".repeat(1 << 16);

/** A value within so many lists and objects, by turns. */
function within(depth: number, inner: string): string {
  const isObject = (level: number) => level % 2 === 1;
  const levels = Array.from({ length: depth }, (_, level) => level);
  const open = levels.map((level) => isObject(level) ? '{"a":' : "[").join("");
  return open + inner + levels.reverse().map((level) => isObject(level) ? "}" : "]").join("");
}

Deno.test("a long text is too deep by its lists and objects alone, whatever its strings hold", () => {
  const bracket = fc.constantFrom("[", "]", "{", "}", '"', "\\", "a", "é");
  const strings = fc.array(bracket, { maxLength: 40 }).map((parts) => parts.join("").repeat(60));
  fc.assert(fc.property(strings, fc.constantFrom(-1, 0, 1, 2), (text, more) => {
    // The text's own lists are levels, too: none of the string's.
    const json = `[${JSON.stringify(text)},${within(MAX_JSON_DEPTH - 1 + more, JSON.stringify(text))}]${SPACE}`;
    JSON.parse(json);
    assertEquals(nestsTooDeep(json), more > 0);
  }));
});

Deno.test("a long text that nests without end is refused before it is parsed", () => {
  const deep = "[".repeat(1 << 16);
  const parse = JSON.parse;
  let parsed = 0;
  JSON.parse = (...args: Parameters<typeof parse>) => (parsed++, parse(...args));
  try {
    const { message } = assertThrows(() => parseJsonText(deep, SOURCE), UserError);
    assertStringIncludes(message, "Cannot read a.json: got JSON nested more than 1000 levels deep");
    const header = new TextEncoder().encode(`{"a":${deep}}`);
    assertThrows(() => parseHeader(header, header.length + 8, "m.safetensors"), UserError, "m.safetensors");
    assertEquals(parsed, 0);
  } finally {
    JSON.parse = parse;
  }
});

Deno.test("a text that is cut off within a string is the parser's to refuse", () => {
  for (const text of [`${SPACE}"abc`, `${SPACE}"abc\\"`, `${SPACE}"`, `${SPACE}]]]`]) {
    assert(!nestsTooDeep(text));
    assertThrows(() => parseJsonText(text, SOURCE), UserError, "not JSON");
  }
});

Deno.test("a byte order mark before JSON is passed over, one in it is not", () => {
  assertEquals(JsonFields.parse('\ufeff{"x":"\ufeff"}', SOURCE).string("x"), "\ufeff");
  for (const text of ['\ufeff\ufeff{"x":1}', '{"x":\ufeff1}', "\ufeff"]) {
    assertThrows(() => JsonFields.parse(text, SOURCE), UserError, "not JSON");
  }
});
