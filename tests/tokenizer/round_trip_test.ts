import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { PATTERN_NAMES } from "../../lib/tokenizer/pretokenize/patterns.ts";
import { formatTiktoken, parseTiktoken } from "../../lib/tokenizer/vocabulary/tiktoken_file.ts";
import { loadTokenizer, saveTokenizer } from "../../lib/formats/tokenizer_dir.ts";
import { Tokenizer } from "../../lib/tokenizer/tokenizer.ts";
import { trainBpe } from "../../lib/corpus/train_bpe.ts";
import { hostileBytes, hostileText, OVERLAPPING_SPECIALS } from "./arbitraries.ts";

/** A text to learn from, and what to make of it. */
const training = fc.record({
  text: fc.array(hostileText, { minLength: 1, maxLength: 20 }).map((texts) => texts.join(" ")),
  pattern: fc.constantFrom(...PATTERN_NAMES),
  specialTokens: fc.uniqueArray(
    fc.oneof(fc.constantFrom(...OVERLAPPING_SPECIALS), fc.string({ minLength: 1, maxLength: 4 })),
    { maxLength: 6 },
  ),
  numMerges: fc.integer({ min: 0, max: 60 }),
});

/** The largest vocabulary up to the size asked for that the text can give. */
async function train(
  { text, pattern, specialTokens, numMerges }: typeof training extends fc.Arbitrary<infer T> ? T : never,
) {
  for (let merges = numMerges;; merges = Math.floor(merges / 2)) {
    const numOwn = specialTokens.filter((special) => !/^[!-~]$/.test(special)).length;
    try {
      return await trainBpe(text, { vocabSize: 256 + numOwn + merges, specialTokens, pattern });
    } catch (error) {
      if (merges === 0) throw error;
    }
  }
}

Deno.test("what is saved and loaded gives the same ids and the same text: all formats, each pattern, any special tokens", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await fc.assert(
      fc.asyncProperty(training, fc.array(hostileBytes, { minLength: 5, maxLength: 5 }), async (given, texts) => {
        const tokenizer = await train(given);
        const { pattern } = given;
        const { specials } = tokenizer.vocabulary;
        await saveTokenizer(tokenizer, dir);
        const ranks = parseTiktoken(formatTiktoken(tokenizer.vocabulary), "x", { pattern, specials });
        const loaded = {
          "tokenizer.json": await loadTokenizer(dir),
          "vocab.json": await loadTokenizer(`${dir}/vocab.json`, { pattern, specialTokens: specials }),
          ranks: new Tokenizer(ranks),
        };
        const joined = new TextEncoder().encode(
          given.text + given.specialTokens.join("") + given.specialTokens.join("x"),
        );
        for (const bytes of [...texts, joined]) {
          const ids = tokenizer.encode(bytes);
          const asText = tokenizer.encode(bytes, { specials: "text" });
          assertEquals(tokenizer.decodeBytes(ids), bytes);
          for (const [format, other] of Object.entries(loaded)) {
            assertEquals(other.encode(bytes), ids, format);
            assertEquals(other.encode(bytes, { specials: "text" }), asText, format);
            assertEquals(other.decodeBytes(ids), bytes, format);
          }
        }
      }),
      { seed: 13, numRuns: 40 },
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
