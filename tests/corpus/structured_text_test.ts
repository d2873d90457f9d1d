import { assertEquals } from "@std/assert";
import { EXAMINED_BYTES, examineText } from "../../lib/corpus/text_format.ts";
import { structureOf } from "../../lib/corpus/structured_text.ts";

const LONG = "A long text about nothing. ".repeat(400);

/** What the first bytes of a text look like. */
function seen(text: string): string | undefined {
  const examined = examineText(new TextEncoder().encode(text).subarray(0, EXAMINED_BYTES));
  return examined.kind === "text" ? examined.structure : examined.kind;
}

Deno.test("structureOf() knows JSON Lines, whatever the length of lines", () => {
  for (
    const text of [
      '{"text":"a"}\n{"text":"b"}\n',
      '{"text":"a"}\r\n\r\n{"text":"b"}',
      '\ufeff{"id":1,"text":"a\\n\\"b\\""}\n{"id":2,"text":"}{"}',
      `{"id": 1, "meta": {"url": "x"}, "text": ${JSON.stringify(LONG)}}\n{"text":"b"}\n`,
      `{"text":"short"}\n{"text":${JSON.stringify(LONG)}}\n`,
      `{"text":"short"}\n`.repeat(1000),
    ]
  ) assertEquals(seen(text), "JSON Lines", text.slice(0, 60));
});

Deno.test("structureOf() knows JSON arrays, and tables with a header", () => {
  for (const text of ['[{"text":"a"},{"text":"b"}]', '["a", "b"]\n', `[\n  {\n    "text": ${JSON.stringify(LONG)}\n`]) {
    assertEquals(seen(text), "a JSON array", text.slice(0, 60));
  }
  for (
    const text of [
      "id,text\n1,Hello there\n2,Good bye\n",
      'id,text\r\n1,"Hello, ""you""\nthere"\r\n2,x\r\n',
      `text,label\n"${LONG.slice(0, 3000)}",1\nb,2\nc,3\n`,
    ]
  ) assertEquals(seen(text), "a table (CSV)", text.slice(0, 60));
  assertEquals(seen("id\ttext\n1\tHello, there\n2\tGood bye\n"), "a table (TSV)");
});

Deno.test("structureOf() takes prose, code and single objects as they are", () => {
  for (
    const text of [
      "",
      "{",
      "[",
      '{"text":"a"}',
      '{"text":"a"}\n',
      JSON.stringify({ name: "x", scripts: { a: "b" } }, null, 2),
      `{"version": 3, "nested": {"of": [${"1,".repeat(9000)}1]}}`,
      '["Hello," she said.]\n',
      "[1] A footnote\n",
      '["text"](https://example.com) is a link\n',
      "To be, or not to be,\nthat is the question,\nwhether,\n",
      "Roses are red,violets are blue\nsugar is sweet,and so are you\na,b\n",
      "one\ntwo\nthree\n",
      "the\t123\nof\t100\nand\t99\n",
      "{\n  int x = 1;\n}\n{\n}\n",
      "{{ template }}\n{{ more }}\n",
      "import a,b\nx,y\nz,w\n",
      "a,b\nc,d\n",
      "a,b\nc,d\ne,f,g\n",
      "a,a\nb,b\nc,c\n",
    ]
  ) assertEquals(seen(text), undefined, text.slice(0, 60));
  assertEquals(structureOf('["a", "b"', true), undefined);
});
