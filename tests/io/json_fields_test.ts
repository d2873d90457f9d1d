import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { UserError } from "../../lib/errors.ts";
import { excerpt } from "../../lib/io/excerpt.ts";
import { JsonFields } from "../../lib/io/json_fields.ts";

const SOURCE = { name: "a.json", nextStep: "Write it again" };

const readers: Record<string, (fields: JsonFields) => unknown> = {
  string: (fields) => fields.string("x"),
  boolean: (fields) => fields.boolean("x"),
  number: (fields) => fields.number("x", { min: -5, max: 5 }),
  anyNumber: (fields) => fields.anyNumber("x"),
  integer: (fields) => fields.integer("x", { min: 0 }),
  list: (fields) => fields.list("x"),
  objects: (fields) => fields.objects("x"),
  object: (fields) => fields.object("x"),
  oneOf: (fields) => fields.oneOf("x", ["a", "b"]),
  integerOrNone: (fields) => fields.integerOrNone("x"),
  allowOnly: (fields) => fields.allowOnly(["x"]),
};

Deno.test("any JSON is read as what it is or refused in one short line that names the file", () => {
  fc.assert(fc.property(fc.json(), fc.constantFrom(...Object.keys(readers)), (text, reader) => {
    try {
      const fields = JsonFields.parse(text.includes("__proto__") ? text : `{"x":${text}}`, SOURCE);
      readers[reader](fields);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      assertStringIncludes(error.message, "Cannot read a.json: got ");
      assertEquals(error.message.includes("\n"), false);
      assertEquals(error.message.length < 300, true);
    }
  }));
});

Deno.test("a field of another kind is refused by its name and value", () => {
  const fields = JsonFields.parse('{"model":{"dModel":"8"},"steps":1.5,"lr":null}', SOURCE);
  const message = (read: () => unknown) => assertThrows(read, UserError).message;
  assertStringIncludes(message(() => fields.object("model").integer("dModel")), '"model.dModel" "8", must be a whole');
  assertStringIncludes(
    message(() => fields.integer("steps", { min: 1 })),
    '"steps" 1.5, must be a whole number at least 1',
  );
  assertStringIncludes(message(() => fields.number("lr")), '"lr" null, must be a number');
  assertStringIncludes(message(() => fields.numberOrNone("lr")), '"lr" null, must be a number');
  assertStringIncludes(message(() => fields.object("model").anyNumber("dModel")), '"8", must be a number, "NaN", ');
  assertStringIncludes(message(() => fields.anyNumber("loss")), 'no "loss", must be a number, "NaN", ');
  assertStringIncludes(message(() => fields.string("name")), 'no "name", must be a text');
  assertStringIncludes(message(() => fields.allowOnly(["model", "lr"])), '"steps", must be one of model, lr');
});

Deno.test("fields of an object's prototype are not fields of a file", () => {
  const fields = JsonFields.parse("{}", SOURCE);
  for (const name of ["constructor", "__proto__", "toString"]) {
    assertEquals(fields.has(name), false);
    assertEquals(fields.value(name), undefined);
  }
});

Deno.test("text nested too deeply is refused as text that is not JSON", () => {
  const error = assertThrows(() => JsonFields.parse("[".repeat(1e6), SOURCE), UserError);
  assertEquals(error.message.length < 300, true);
});

Deno.test("an excerpt is one short line without control characters, whatever the value", () => {
  fc.assert(fc.property(fc.anything(), fc.string({ minLength: 500, maxLength: 600, unit: "binary" }), (value, text) => {
    for (const shown of [excerpt(value), excerpt(text), excerpt([text])]) {
      assertEquals(shown.length < 400, true);
      // deno-lint-ignore no-control-regex
      assertEquals(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/.test(shown), false);
    }
  }));
  assertEquals(excerpt("ab"), '"ab"');
  assertEquals(excerpt(NaN), "NaN");
  assertEquals(excerpt("x".repeat(100), 5), '"xxxx…"');
});
