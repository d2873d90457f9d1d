import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Html, type HtmlPart, inlineScript, inlineStyle, jsonScript, markup } from "../../lib/io/markup.ts";

/** What a browser makes of text without tags. */
function unescape(text: string): string {
  const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => entities[name]);
}

/** Texts rich in what means something to HTML. */
const texts = fc.array(fc.constantFrom(..."<>&\"'`=/ !-\u2028\0x", "script", "amp;", "&lt;"), { maxLength: 30 })
  .map((parts) => parts.join(""));

Deno.test("any text in a template comes out as itself and never as markup, between tags and in attributes", () => {
  fc.assert(
    fc.property(texts, (text) => {
      const page = String(markup`<p title="${text}">${text}</p>`);
      const found = /^<p title="([^"<>]*)">([^<>]*)<\/p>$/.exec(page);
      assertEquals([unescape(found![1]), unescape(found![2])], [text, text]);
    }),
    { seed: 1 },
  );
});

Deno.test("what says that it is a number is escaped too, HTML is not, and lists of it are joined", () => {
  const step = "<img src=x onerror=alert(1)>" as unknown as number;
  assertEquals(String(markup`<i>${step}</i>`), "<i>&lt;img src=x onerror=alert(1)&gt;</i>");
  assertEquals(
    String(markup`<ul>${["a<", "b"].map((text) => markup`<li>${text}</li>`)}</ul>`),
    "<ul><li>a&lt;</li><li>b</li></ul>",
  );
  // Not HTML, whatever they say of themselves: like things that were made elsewhere.
  const toString = () => "<b>";
  for (const other of [{ toString }, ["<b>"], Object.create(Html.prototype, { toString: { value: toString } })]) {
    assertEquals(String(markup`${other as unknown as HtmlPart}`), "&lt;b&gt;");
  }
  assertThrows(() => markup`<p title=${"x"}>`, Error, "without quotes");
});

Deno.test("data of a page's script are read back as they were and cannot end their element", () => {
  const json = fc.jsonValue().chain((value) => texts.map((text) => [value, text, { [text]: text }]));
  fc.assert(
    fc.property(json, (value) => {
      const found = /^<script type="application\/json" id="data">([^<>&\u2028\u2029]*)<\/script>$/.exec(
        String(jsonScript("data", value)),
      );
      assertEquals(JSON.stringify(JSON.parse(found![1])), JSON.stringify(value));
    }),
    { seed: 1 },
  );
});

Deno.test("a script or a style that would end its element is refused", () => {
  assertEquals(String(inlineScript("a < b && c")), "<script>a < b && c</script>");
  assertThrows(() => inlineScript("'</SCRIPT >'"), Error, "</script");
  assertThrows(() => inlineScript("'<!-- <script>'"), Error, "<!--");
  assertThrows(() => inlineStyle("a { content: '</style>' }"), Error, "</style");
});
