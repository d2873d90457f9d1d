import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { UserError } from "../../lib/errors.ts";
import { addCounts, formatCounts, parseCounts } from "../../lib/tokenizer/count_file.ts";
import { type CountedText, countTexts } from "../../lib/tokenizer/count_texts.ts";
import { trainBpe, trainBpeFromCounts } from "../../lib/tokenizer/train_bpe.ts";
import { hostileBytes, SPECIALS } from "./arbitraries.ts";
import { type Latin, pretokenizeOracle, splitSpecialsOracle, toLatin } from "./oracle.ts";

function counted(entries: readonly (readonly [Latin, number])[], specialTokens: readonly string[] = []): CountedText {
  const arena = Uint8Array.from(entries.map(([word]) => word).join(""), (char) => char.charCodeAt(0));
  const offsets = new Uint32Array(entries.length + 1);
  entries.forEach(([word], i) => offsets[i + 1] = offsets[i] + word.length);
  const counts = Float64Array.from(entries, ([, count]) => count);
  return { words: { arena, offsets, counts }, specialTokens, pattern: "gpt2" };
}

function entriesOf({ words: { arena, offsets, counts } }: CountedText): [Latin, number][] {
  return Array.from(counts, (count, i) => [toLatin(arena.subarray(offsets[i], offsets[i + 1])), count]);
}

async function add(files: readonly Uint8Array[]): Promise<CountedText> {
  async function* parts() {
    for (const [i, file] of files.entries()) yield { ...parseCounts(file, `part ${i}`), name: `part ${i}` };
  }
  return await addCounts(parts());
}

const words = fc.uniqueArray(
  fc.tuple(
    fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)), maxLength: 9 }),
    fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 2 ** 31, max: 2 ** 50 })),
  ),
  { selector: ([word]) => word, maxLength: 60 },
);

Deno.test("count files keep any words and counts, sorted; their sum does not depend on how words were divided", async () => {
  await fc.assert(
    fc.asyncProperty(words, fc.integer({ min: 1, max: 9 }), async (entries, numParts) => {
      const sorted = entries.toSorted(([a], [b]) => a < b ? -1 : 1);
      const file = formatCounts(counted(entries, ["<|x|>"]));
      assertEquals(formatCounts(counted(sorted, ["<|x|>"])), file);
      assertEquals(entriesOf(parseCounts(file, "x")), sorted);
      const parts = Array.from(
        { length: numParts },
        (_, part) =>
          formatCounts(counted(
            entries.map(([word, count], i) =>
              [word, Math.floor(count / numParts) + ((i + part) % numParts < count % numParts ? 1 : 0)] as const
            ).filter(([, count]) => count > 0),
          )),
      );
      assertEquals(entriesOf(await add(parts)), sorted);
    }),
    { seed: 9, numRuns: 200 },
  );
});

Deno.test("parseCounts() refuses a file that was changed or cut anywhere", () => {
  const file = formatCounts(counted([["a", 2 ** 40], ["ab", 3], ["b", 1]]));
  for (let at = 0; at < file.length; at++) {
    const changed = file.slice();
    changed[at] ^= 1;
    assertThrows(() => parseCounts(changed, "x"), UserError, "Cannot read x: got");
    assertThrows(() => parseCounts(file.subarray(0, at), "x"), UserError, "Cannot read x: got");
  }
});

Deno.test("addCounts() refuses counts that were made unlike, and sums beyond 2^53", async () => {
  const file = formatCounts(counted([["a", 2 ** 53 - 1]], ["<|x|>"]));
  await assertRejects(() => add([file, formatCounts(counted([["a", 1]], ["<|y|>"]))]), UserError, 'must be ["<|x|>"]');
  await assertRejects(() => add([file, formatCounts(counted([["a", 1]], ["<|x|>"]))]), UserError, "below 2^53");
  await assertRejects(() => add([]), UserError, "got no files");
});

Deno.test("countTexts() counts what the oracle finds, and training from added counts equals training on all", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(hostileBytes, { minLength: 1, maxLength: 4 }), async (texts) => {
      const expected = new Map<Latin, number>();
      for (const text of texts) {
        for (const part of splitSpecialsOracle(toLatin(text), SPECIALS)) {
          if (part.special) continue;
          for (const word of pretokenizeOracle(part.text)) expected.set(word, (expected.get(word) ?? 0) + 1);
        }
      }
      const options = { specialTokens: SPECIALS };
      const files = await Promise.all(texts.map(async (text) => formatCounts(await countTexts([text], options))));
      const sum = await add(files);
      assertEquals(entriesOf(sum), [...expected].sort(([a], [b]) => a < b ? -1 : 1));
      async function* each() {
        yield* texts;
      }
      assertEquals(formatCounts(await countTexts([{ texts: each() }], options)), formatCounts(sum));
      const vocabSize = 256 + SPECIALS.length + 3;
      const whole = await trainBpe(texts, { vocabSize, specialTokens: SPECIALS }).catch((error: Error) =>
        error.message
      );
      const added = await Promise.try(() => trainBpeFromCounts(sum, { vocabSize })).catch((error: Error) =>
        error.message
      );
      assertEquals(
        typeof added === "string" ? added : added.vocabulary,
        typeof whole === "string" ? whole : whole.vocabulary,
      );
    }),
    { seed: 4, numRuns: 150 },
  );
});
