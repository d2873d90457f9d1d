import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { UserError } from "../../../lib/errors.ts";
import { initialVocabulary } from "../../../lib/tokenizer/vocabulary/vocabulary.ts";
import { spelledTokens } from "../../../lib/tokenizer/vocabulary/spelled_vocabulary.ts";
import { trainBpe } from "../../../lib/corpus/train_bpe.ts";
import type { Tokenizer } from "../../../lib/tokenizer/tokenizer.ts";
import { hostileBytes, OVERLAPPING_SPECIALS, SPECIALS } from "../arbitraries.ts";
import { encodeOracle, toLatin, trainOracle } from "../oracle.ts";

const FIXTURES = new URL("../../fixtures/", import.meta.url).pathname;
const SHAKESPEARE = new URL("../../../data/shakespeare.txt", import.meta.url).pathname;

function learned({ vocabulary: { tokens, merges } }: Tokenizer): [string, string][] {
  return Array.from(
    { length: merges.length / 3 },
    (_, i) => [toLatin(tokens.get(merges[i * 3])), toLatin(tokens.get(merges[i * 3 + 1]))],
  );
}

Deno.test("trainBpe() gives the course's reference merges in order, and its vocabulary", async () => {
  const tokenizer = await trainBpe({ path: `${FIXTURES}cs336/corpus.en` }, { vocabSize: 500 });
  const { vocab, merges } = spelledTokens(tokenizer.vocabulary);
  const expected = Deno.readTextFileSync(`${FIXTURES}cs336/train-bpe-reference-merges.txt`).trimEnd().split("\n");
  assertEquals(merges.map((merge) => merge.join(" ")), expected);
  const reference: Record<string, number> = JSON.parse(
    Deno.readTextFileSync(`${FIXTURES}cs336/train-bpe-reference-vocab.json`),
  );
  assertEquals(Object.entries(vocab).sort(), Object.entries(reference).sort());
});

Deno.test("trainBpe() gives the reference merges for Shakespeare", async () => {
  const expected: [string, string][] = JSON.parse(
    Deno.readTextFileSync(`${FIXTURES}tokenizer/shakespeare_1000_merges.json`),
  );
  const tokenizer = await trainBpe({ path: SHAKESPEARE }, { vocabSize: 257 + expected.length });
  assertEquals(learned(tokenizer), expected.map((pair) => pair.map((hex) => toLatin(Uint8Array.fromHex(hex)))));
});

Deno.test("trainBpe() equals the slow oracle on hostile texts, up to the last merge", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(hostileBytes, { minLength: 1, maxLength: 3 }),
      fc.subarray(SPECIALS),
      fc.boolean(),
      async (texts, specialTokens, repeat) => {
        if (repeat) texts = texts.concat(texts, texts);
        const expected = trainOracle(texts.map(toLatin), 60, specialTokens);
        const size = 256 + specialTokens.length + expected.length;
        assertEquals(learned(await trainBpe(texts, { vocabSize: size, specialTokens })), expected);
        if (expected.length < 60) {
          await assertRejects(
            () => trainBpe(texts, { vocabSize: size + 1, specialTokens }),
            UserError,
            `must be at most ${size}`,
          );
        }
      },
    ),
    { seed: 2, numRuns: 300 },
  );
});

Deno.test("trainBpe() equals the slow oracle with specials of one byte, that begin alike, and that hold others", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(hostileBytes, { minLength: 1, maxLength: 3 }),
      fc.subarray(OVERLAPPING_SPECIALS),
      async (texts, specialTokens) => {
        const expected = trainOracle(texts.map(toLatin), 40, specialTokens);
        // "a" is the token of its byte.
        const size = 256 + specialTokens.filter((text) => text !== "a").length + expected.length;
        const tokenizer = await trainBpe(texts, { vocabSize: size, specialTokens });
        assertEquals(learned(tokenizer), expected);
        assertEquals([...tokenizer.specialTokens.keys()], specialTokens);
        for (const bytes of texts) {
          const tokens = Array.from(tokenizer.encode(bytes), (id) => toLatin(tokenizer.vocabulary.tokens.get(id)));
          assertEquals(tokens, encodeOracle(toLatin(bytes), expected, specialTokens));
        }
      },
    ),
    { seed: 4, numRuns: 80 },
  );
});

Deno.test("trainBpe() equals the slow oracle where tokens overlap themselves", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.stringMatching(/^[ab]{0,12}$/), { maxLength: 12 }), async (words) => {
      const text = words.join(" ");
      const expected = trainOracle([text], 40, []);
      const tokenizer = await trainBpe(text, { vocabSize: 256 + expected.length, specialTokens: [] });
      assertEquals(learned(tokenizer), expected);
    }),
    { seed: 3, numRuns: 300 },
  );
});

Deno.test("trainBpe() equals the slow oracle when the floor of stored pairs falls again and again", async () => {
  // The first floor follows the most frequent words: let those be single letters, which give no pairs, and the rest rare.
  const letters = [..."abcdefghijklmnopqrstuvwxyz"].map((letter) => `${letter}.`.repeat(2000)).join("");
  const words = ["qu", "xyz", "zyx", "abab", "baba", "cab", "dbca", "hello", "yellow"];
  const text = letters + words.map((word, i) => ` ${word}`.repeat(2 ** i)).join("");
  const expected = trainOracle([text], 20, []);
  assertEquals(expected.length, 20);
  assertEquals(learned(await trainBpe(text, { vocabSize: 276, specialTokens: [] })), expected);
});

Deno.test("trainBpe() refuses sizes and specials that cannot be", async () => {
  await assertRejects(() => trainBpe("text", { vocabSize: 256 }), UserError, "must be at least 257");
  await assertRejects(() => trainBpe("text", { vocabSize: 300.5 }), UserError, "got size 300.5");
  await assertRejects(() => trainBpe("text", { vocabSize: NaN }), UserError, "got size NaN");
  await assertRejects(() => trainBpe("", { vocabSize: 258 }), UserError, "must be at most 257");
  // As many as a tokenizer's file may have; the text gives fewer.
  const most = 8_388_608;
  await assertRejects(() => trainBpe("text", { vocabSize: most }), UserError, "all that this text can give");
  for (const vocabSize of [most + 1, 2 ** 31, 2 ** 32, 2 ** 53, Infinity]) {
    await assertRejects(() => trainBpe("text", { vocabSize }), UserError, `must be at most ${most}.`);
  }
  for (const special of ["", "\ud800", "x\udfff", "é", "\u0120"]) {
    await assertRejects(() => trainBpe("text", { vocabSize: 300, specialTokens: [special] }), UserError);
    assertThrows(() => initialVocabulary([special]), UserError);
  }
});
