import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { trainBpe } from "../../lib/tokenizer/mod.ts";
import { adamwSection, exponential, transformerSection } from "../../tasks/writeup/accounting.ts";
import { code, formatMarkdown } from "../../tasks/writeup/markdown.ts";
import { runToyProblem } from "../../tasks/writeup/sgd.ts";
import { longestToken, measureCompression, mergeOf, referenceCompression } from "../../tasks/writeup/tokenizers.ts";
import { countDecodablePairs, encodedSizes, firstByteThatFails } from "../../tasks/writeup/unicode.ts";
import { assertClose, UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { forEachBackend } from "../harness/backends.ts";

forEachBackend(
  "the toy problem's losses follow their closed form: slow, faster, faster, diverging",
  async (backend) => {
    const last: number[] = [];
    for (const lr of [1, 10, 1000]) {
      const losses = await runToyProblem(backend, lr, 10);
      // One step multiplies every weight, so the loss, by a known factor.
      const expected = losses.slice(0, -1).map((loss, t) => loss * (1 - lr / (50 * Math.sqrt(t + 1))) ** 2);
      // Sums of 100 squares, and weights rounded once where terms up to 20 times larger cancel.
      assertClose(losses.slice(1), expected, { relative: 400 * UNIT_ROUNDOFF }, `lr ${lr}`);
      last.push(losses[9] / losses[0]);
    }
    assert(last[1] < last[0] && last[0] < 1 && last[2] > 1e6, last.join(", "));
    // At lr 100 the fourth factor is 1 − 2/√4 = 0: nothing but rounding is left.
    const losses = await runToyProblem(backend, 100, 10);
    assert(losses[5] < 1e-9 * losses[0] && losses[1] > 0.99 * losses[0], losses.join(", "));
  },
);

Deno.test("encodedSizes weighs a text as each encoding would", () => {
  for (const text of ["", "a", "uğur", "日本語", "a😀b\0", "🏳️‍🌈é"]) {
    assertEquals(encodedSizes(new TextEncoder().encode(text)), {
      utf8: new TextEncoder().encode(text).length,
      utf16: 2 * text.length,
      utf32: 4 * [...text].length,
    });
  }
});

Deno.test("decoding byte by byte fails at the first byte of ğ, and never on ASCII", () => {
  assertEquals(firstByteThatFails("uğur")?.byte, 0xc4);
  assertEquals(firstByteThatFails("ugur"), undefined);
  // Two ASCII characters, or one of the characters from U+0080 to U+07FF.
  assertEquals(countDecodablePairs(), 128 * 128 + (0x800 - 0x80));
});

Deno.test("the longest token, its merge, and the compression of a text", async () => {
  const text = "abababab abababab abababab ";
  const tokenizer = await trainBpe(text, { vocabSize: 261, specialTokens: ["<|a long special token|>"] });
  const longest = longestToken(tokenizer);
  const bytes = (id: number) => new TextDecoder().decode(tokenizer.vocabulary.tokens.get(id));
  const [left, right] = mergeOf(tokenizer, longest)!;
  assertEquals(bytes(left) + bytes(right), bytes(longest));
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    assert(id === 0 || bytes(id).length <= bytes(longest).length);
  }
  assertEquals(mergeOf(tokenizer, 5), undefined);
  const encoded = new TextEncoder().encode(text);
  const { bytesPerToken, throughput } = measureCompression(tokenizer, encoded);
  assertEquals(bytesPerToken, encoded.length / tokenizer.encode(text).length);
  assert(throughput > 0);
});

Deno.test("computed answers equal the reference wherever it has one", () => {
  for (const { question, reference, here } of transformerSection().answers.slice(1)) {
    assertEquals(here, reference, question);
  }
  const [, floats, gigabytes, batch] = adamwSection().answers;
  assertEquals([floats.here, gigabytes.here], [floats.reference, gigabytes.reference]);
  assertEquals(batch.here.split(";")[0], batch.reference);
  assertEquals(exponential(8.05e9), "8.05E+09");
  const remarks = transformerSection().remarks!.join(" ");
  assertStringIncludes(remarks, "leaves out the final norm's 1,600");
  assertStringIncludes(remarks, "the feed-forward takes 69.44 % of a block");
});

Deno.test("Markdown keeps what a cell holds", () => {
  const section = { title: "T", answers: [{ question: "a|b", reference: "x\ny", here: code(" `z") }], remarks: ["R"] };
  const lines = ["# M", "", "I", "", "## T", "", "|  | reference | here |", "| --- | --- | --- |"];
  assertEquals(
    formatMarkdown("M", ["I"], [section]),
    [...lines, "| a\\|b | x<br>y | `` `z`` |", "", "R", ""].join("\n"),
  );
  assertEquals([code("a"), code("`"), code(" a ")], ["`a`", "`` ` ``", "`  a  `"]);
});

Deno.test("the reference's compression is what it measured: each of its tokenizers on each of its texts", async () => {
  // The course's write-up: 4.50 for its OpenWebText tokenizer on OpenWebText, 4.01 for TinyStories' on TinyStories; crossed,
  // 3.87 for OpenWebText's on TinyStories and 3.40 for TinyStories' on OpenWebText.
  const measured = { "story story": "4.01", "story web": "3.40", "web story": "3.87", "web web": "4.50" };
  const writeup = await Deno.readTextFile(new URL("../../data/WRITEUP.md", import.meta.url));
  for (const [pair, bytes] of Object.entries(measured)) {
    const [tokenizer, text] = pair.split(" ");
    assertEquals(referenceCompression(tokenizer, text), `${bytes} bytes per token`);
    assertMatch(
      writeup,
      new RegExp(`\\| ${tokenizer} [\\d,]+ tokens on ${text} text \\| ${bytes} bytes per token \\|`),
    );
  }
  assertEquals([referenceCompression("gpt2", "web"), referenceCompression("story", "toString")], ["–", "–"]);
});
