import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { splitText } from "../../lib/corpus/split.ts";
import { UserError } from "../../lib/errors.ts";

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("splitText cuts after a paragraph, and the parts make up the text", () => {
  const line = fc.string({ unit: "binary", maxLength: 30 });
  fc.assert(
    fc.property(
      fc.array(line, { minLength: 3, maxLength: 40 }),
      fc.double({ min: 0.01, max: 0.5 }),
      (lines, fraction) => {
        const text = encode(`first\n\n${lines.join("\n\n")}\n\n${"last".repeat(20)}`);
        const wanted = Math.round(text.length * (1 - fraction));
        fc.pre(wanted >= 7);
        const { train, valid } = splitText(text, fraction);
        assertEquals([...train, ...valid], [...text]);
        assert(valid.length > 0 && train.length <= wanted);
        assertEquals([...train.slice(-2)], [0x0a, 0x0a]);
      },
    ),
    { seed: 7, numRuns: 200 },
  );
});

Deno.test("splitText falls back to the end of a line, and refuses a text of one line", () => {
  assertEquals([...splitText(encode("a\nb\nc\nd"), 0.5).train], [...encode("a\nb\n")]);
  assertThrows(() => splitText(encode("no line ends here"), 0.1), UserError, "must have several lines");
});
