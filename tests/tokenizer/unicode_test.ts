import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { PATTERN_NAMES } from "../../lib/tokenizer/pretokenize/patterns.ts";
import { mergeLines, parseVocabAndMerges } from "../../lib/tokenizer/vocabulary/vocab_and_merges.ts";
import { Tokenizer } from "../../lib/tokenizer/tokenizer.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url).pathname;
const read = (name: string) => Deno.readTextFileSync(`${FIXTURES}${name}`);

// The same as in tests/fixtures/tokenizer/make_unicode_digests.py.
const STARTS = [...Array.from({ length: 0x40 }, (_, i) => i * 0x1000), 0xe0000, 0x10f000];

function textFrom(start: number): string {
  let text = "";
  for (let codePoint = start; codePoint < start + 0x1000; codePoint++) {
    if (codePoint >= 0xd800 && codePoint <= 0xdfff) continue;
    const c = String.fromCodePoint(codePoint);
    text += ` a${c}b ${c}1 '${c}s ${c}${c}\n${c} `;
  }
  return text;
}

Deno.test("Tokenizer.encode() equals tiktoken and Hugging Face on every Unicode character, each pattern", () => {
  const digests: Record<string, string[]> = JSON.parse(read("tokenizer/unicode_digests.json"));
  const merges = mergeLines(read("cs336/gpt2_merges.txt"));
  const gpt2 = parseVocabAndMerges(read("cs336/gpt2_vocab.json"), merges, "gpt2_vocab.json", { pattern: "gpt2" });
  for (const pattern of PATTERN_NAMES) {
    const tokenizer = new Tokenizer({ ...gpt2, pattern });
    for (const [i, start] of STARTS.entries()) {
      const ids = tokenizer.encode(textFrom(start));
      const digest = createHash("sha256").update(new Uint8Array(ids.buffer)).digest("hex").slice(0, 8);
      assertEquals(digest, digests[pattern][i], `${pattern}, characters from U+${start.toString(16)} on`);
    }
    assertEquals(digests[pattern].length, STARTS.length);
  }
});
