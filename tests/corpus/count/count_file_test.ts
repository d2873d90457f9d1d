import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { createHash } from "node:crypto";
import { UserError } from "../../../lib/errors.ts";
import { addCounts, formatCounts, parseCounts } from "../../../lib/corpus/count/count_file.ts";
import { type CountedText, countTexts } from "../../../lib/corpus/count/count_texts.ts";
import { trainBpe, trainBpeFromCounts } from "../../../lib/corpus/train_bpe.ts";
import { hostileBytes, SPECIALS } from "../../tokenizer/arbitraries.ts";
import { type Latin, pretokenizeOracle, splitSpecialsOracle, toLatin } from "../../tokenizer/oracle.ts";

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

/** A count file of this content: its checksum is right. */
function sealed(content: Uint8Array): Uint8Array {
  return Uint8Array.of(...content, ...createHash("sha256").update(content).digest());
}

/** A count file with this header and these bytes of words. */
function countFile(header: unknown, words: readonly number[]): Uint8Array {
  const text = typeof header === "string" ? header : JSON.stringify(header);
  return sealed(Uint8Array.of(...new TextEncoder().encode(`bpe-counts 1\n${text}\n`), ...words));
}

Deno.test("parseCounts() refuses in one line what no count file says, though its checksum is right", () => {
  const header = { pattern: "gpt2", specialTokens: ["<|x|>"], words: 1 };
  // The word "a", once.
  assertEquals(entriesOf(parseCounts(countFile(header, [0, 1, 0x61, 1]), "x")), [["a", 1]]);
  const cases: readonly (readonly [header: unknown, words: readonly number[], says: string])[] = [
    [{ ...header, words: 2 ** 50 }, [0, 1, 0x61, 1], "1125899906842624 words in 4 bytes"],
    [{ ...header, words: -1 }, [], '"words" -1'],
    [{ ...header, words: 0.5 }, [], '"words" 0.5'],
    [{ ...header, words: null }, [], '"words" null'],
    [{ ...header, pattern: "gpt9" }, [0, 1, 0x61, 1], '"pattern" "gpt9", must be one of gpt2'],
    [{ ...header, specialTokens: [1] }, [0, 1, 0x61, 1], '"specialTokens" [1]'],
    [{ ...header, specialTokens: ["a", "a"] }, [0, 1, 0x61, 1], "must be a list of texts that differ"],
    [{ ...header, specialTokens: [""] }, [0, 1, 0x61, 1], "none of them empty"],
    [{ ...header, merges: [] }, [0, 1, 0x61, 1], '"merges", must be one of'],
    ["[]", [], "got [], must be a JSON object"],
    ["{", [], "got text that is not JSON"],
    ["null", [], "got null"],
    [header, [0, 1, 0x61], "words cut short"],
    [header, [0, 9, 0x61, 1], "words cut short"],
    [header, [0, 1, 0x61, 0xff], "words cut short"],
    [header, [0, 1, 0x61, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f], "a number above 2^53 - 1"],
    [header, [0, 1, 0x61, ...Array(30).fill(0x80), 0], "a number above 2^53 - 1"],
    [header, [1, 1, 0x61, 1], "word 0 that shares 1 bytes with one of 0"],
    [header, [0, 1, 0x61, 0], "word 0 with a count of 0"],
    [header, [0, 1, 0x61, 1, 7], "1 bytes after the last word"],
    [{ ...header, words: 2 }, [0, 1, 0x61, 1, 0, 1, 0x61, 1], "word 1 out of order"],
    [{ ...header, words: 2 }, [0, 1, 0x61, 1, 1, 0, 1], "word 1 out of order"],
  ];
  for (const [header, words, says] of cases) {
    const error = assertThrows(() => parseCounts(countFile(header, words), "x"), UserError, says);
    assertMatch(error.message, /^Cannot read x: got .{1,250}\. Make it again with: formatCounts$/);
  }
  assertThrows(() => parseCounts(sealed(new TextEncoder().encode("bpe-counts 1\n")), "x"), UserError, "no line end");
});

Deno.test("parseCounts() takes memory in proportion to the file, whatever its words share", () => {
  // Each word is the one before and one byte more: 50,000 of them are 1.25 GB.
  const words = 50_000;
  const content = [...new TextEncoder().encode('bpe-counts 1\n{"pattern":"gpt2","specialTokens":[],"words":50000}\n')];
  const push = (value: number) => {
    for (; value >= 0x80; value = Math.floor(value / 0x80)) content.push(value % 0x80 + 0x80);
    content.push(value);
  };
  for (let shared = 0; shared < words; shared++) {
    push(shared);
    content.push(1, 0x61, 1);
  }
  const file = new Uint8Array(content.length + 32);
  file.set(content);
  file.set(createHash("sha256").update(file.subarray(0, content.length)).digest(), content.length);
  assertThrows(() => parseCounts(file, "x"), UserError, "must be words as they are counted");
});

Deno.test("parseCounts() refuses a changed file whose checksum was made again, or reads what it says", () => {
  const original = formatCounts(counted([["a", 2 ** 40], ["ab", 3], ["abc", 200], ["b", 1]], ["<|x|>"])).slice(0, -32);
  let read = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(original.length - 1), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 3 }),
      fc.option(fc.nat(original.length - 1)),
      (changes, end) => {
        const content = original.slice(0, end ?? original.length);
        for (const [at, byte] of changes) if (at < content.length) content[at] = byte;
        try {
          const found = parseCounts(sealed(content), "x");
          read++;
          assertEquals(entriesOf(parseCounts(formatCounts(found), "x")), entriesOf(found));
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          assertMatch(error.message, /^Cannot read x: got [^\n]{1,400}$/);
        }
      },
    ),
    { seed: 41, numRuns: 5000 },
  );
  assert(read > 20, `${read} were read`);
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
