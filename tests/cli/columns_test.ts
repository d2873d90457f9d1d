import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { fitLine, wrapText } from "../../tasks/cli/columns.ts";
import { filledParts } from "../../tasks/cli/progress.ts";

Deno.test("a line has as many texts as fit, the most important first, and is never longer than the terminal", () => {
  const texts = fc.array(fc.string({ maxLength: 30 }), { maxLength: 8 });
  fc.assert(
    fc.property(texts, fc.integer({ min: 0, max: 120 }), (texts, columns) => {
      const line = fitLine(texts, columns);
      assert(line.length <= columns);
      const shown = texts.filter((text) => text !== "");
      if (shown.length === 0 || shown[0].length > columns) {
        assert((shown[0] ?? "").startsWith(line.replace(/…$/, "")));
        return;
      }
      // Some beginning of the list, and no longer one would fit.
      const counts = shown.map((_, i) => i + 1).filter((n) => shown.slice(0, n).join("  ") === line);
      assert(counts.length > 0, line);
      const more = shown.slice(0, counts[0] + 1).join("  ");
      assert(counts[0] === shown.length || more.length > columns);
    }),
    { seed: 1, numRuns: 300 },
  );
  assertEquals(fitLine(["step 1/2", "", "loss 3"], Infinity), "step 1/2  loss 3");
});

Deno.test("a part whose text is not known yet is left out", () => {
  const parts = ["step {value}/{total}", "loss {loss}", "valid {valid}", "{left} left"];
  const texts = { value: "1", total: "9", loss: "2.0", valid: "", left: "0:10" };
  assertEquals(filledParts(parts, texts), ["step 1/9", "loss 2.0", "0:10 left"]);
});

Deno.test("a text is broken into lines that fit, and keeps its words", () => {
  const words = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(words, fc.integer({ min: 20, max: 90 }), fc.integer({ min: 0, max: 7 }), (words, columns, indent) => {
      const wrapped = wrapText(words.join(" "), columns, indent);
      assertEquals(wrapped.split(/\s+/), words);
      const [first, ...others] = wrapped.split("\n");
      assert(indent + first.length <= columns);
      for (const line of others) {
        assert(line.length <= columns && line.startsWith(" ".repeat(indent)) && line[indent] !== " ", wrapped);
      }
    }),
    { seed: 2 },
  );
  assertEquals(wrapText("one line", Infinity, 4), "one line");
  assertEquals(wrapText("a".repeat(30), 20, 2), "a".repeat(30));
});
