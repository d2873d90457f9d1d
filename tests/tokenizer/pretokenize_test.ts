import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Kernel } from "../../lib/tokenizer/kernel.ts";
import { PATTERN_NAMES, type PatternName } from "../../lib/tokenizer/pretokenize/patterns.ts";
import { WordCounter } from "../../lib/tokenizer/train/count.ts";
import { SpecialTokens } from "../../lib/tokenizer/pretokenize/special_tokens.ts";
import type { WordCounts } from "../../lib/tokenizer/train/word_counts.ts";
import { hostileBytes, hostileText, longText } from "./arbitraries.ts";
import { latinOf, ORACLE_PATTERNS, pretokenizeOracle, toLatin } from "./oracle.ts";

/** Pre-tokens found one at a time. */
function pretokens(kernel: Kernel, bytes: Uint8Array): string[] {
  kernel.write(bytes);
  const found: string[] = [];
  for (let at = 0, end = 0; at < bytes.length; at = end) {
    end = kernel.exports.wordEnd(kernel.pattern, at, bytes.length);
    found.push(toLatin(bytes.subarray(at, end)));
  }
  return found;
}

const kernels = new Map<PatternName, Kernel>(PATTERN_NAMES.map((name) => [name, new Kernel(name, 0)]));

for (const [name, kernel] of kernels) {
  Deno.test(`the kernel splits hostile bytes as the regular expression of ${name} does`, () => {
    fc.assert(
      fc.property(hostileBytes, (bytes) => {
        assertEquals(pretokens(kernel, bytes), pretokenizeOracle(toLatin(bytes), ORACLE_PATTERNS[name]));
      }),
      { seed: 1, numRuns: 3000 },
    );
  });
}

function countsByWord({ arena, offsets, counts }: WordCounts): Map<string, number> {
  return new Map(Array.from(counts, (count, i) => [toLatin(arena.subarray(offsets[i], offsets[i + 1])), count]));
}

function countOracle(words: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

const NO_SPECIALS = new SpecialTokens([]);
const sorted = (counts: Map<string, number>) => [...counts].sort(([a], [b]) => a < b ? -1 : 1);

Deno.test("WordCounter counts the pre-tokens of long text, each pattern", () => {
  fc.assert(
    fc.property(longText, fc.constantFrom(...PATTERN_NAMES), (text, pattern) => {
      const counter = new WordCounter(pattern, NO_SPECIALS);
      counter.push(new TextEncoder().encode(text));
      counter.endText();
      const expected = countOracle(pretokenizeOracle(latinOf(text), ORACLE_PATTERNS[pattern]));
      assertEquals(sorted(countsByWord(counter.result)), sorted(expected));
    }),
    { seed: 2, numRuns: 1500 },
  );
});

const runsOf = (...chars: string[]) =>
  fc.array(
    fc.tuple(fc.constantFrom(...chars), fc.constantFrom(1, 1, 1, 1, 1, 1, 2, 3, 4, 7, 61, 64)).map(
      ([char, times]) => char.repeat(times),
    ),
    { maxLength: 60, size: "max" },
  );

// Little else than runs of each class of characters, which meet at the edges of blocks; without marks and letters that have no
// case, too, where o200k is split in another way.
const edges = fc.oneof(
  runsOf(..."ab1 \t\n\r'.s/", "é", "你", "١", "\u00a0", "\u3000", "«", "—", "\u0301", "𝔘", "𝟗", "🙃"),
  runsOf(..."abBsStT1 \t\n\r''.//", "'ll", "'Re", "é", "É", "ſ", "ǅ", "١", "\u00a0", "\u3000", "«", "—", "𝟗"),
);

for (const name of PATTERN_NAMES) {
  Deno.test(`blocks of text split as the regular expression of ${name} does, where characters and bytes are cut too`, () => {
    fc.assert(
      fc.property(edges, fc.array(hostileBytes, { maxLength: 2 }), (parts, hostile) => {
        const rest = hostile.flatMap((bytes) => [...bytes]);
        const bytes = Uint8Array.from([...new TextEncoder().encode(parts.join("")), ...rest]);
        const counter = new WordCounter(name, NO_SPECIALS);
        counter.push(bytes);
        counter.endText();
        const expected = countOracle(pretokenizeOracle(toLatin(bytes), ORACLE_PATTERNS[name]));
        assertEquals(sorted(countsByWord(counter.result)), sorted(expected));
      }),
      { seed: 4, numRuns: 400 },
    );
  });
}

Deno.test("WordCounter splits alike wherever in a block of 64 bytes, or in a chunk of 4096, something lies", () => {
  const snippets = [
    "'sabc",
    "'llama",
    "'re x",
    "''s't",
    " 'd",
    "你好a",
    "é1ß",
    "🙃b",
    "\u3000\u3000x",
    "\u00a0 y",
    "  z",
    "\n",
    "\n \t\n  x",
    "\r\n\n\u2028y",
    ".\n\n  (b",
    "«é —a",
    "'Sa'ſb",
    "1234567½٣",
  ];
  for (const pattern of PATTERN_NAMES) {
    for (const snippet of snippets) {
      for (const before of ["x", "1", " "]) {
        // A few suffice for each pattern: what the patterns share is tried with the first one.
        const positions = pattern === "gpt2"
          ? [...Array(70).keys(), 4091, 4092, 4093, 4094, 4095, 4096, 4097]
          : [0, 50, 56, 57, 58, 59, 60, 61, 62, 63, 64, 4095];
        // Of every position a text of its own; what lies before the snippet tells them apart in a failure.
        const texts = positions.map((position) =>
          `${before.repeat(position)}${snippet}${before === " " ? "" : " end of it"}`
        );
        const counter = new WordCounter(pattern, NO_SPECIALS);
        for (const text of texts) {
          counter.push(new TextEncoder().encode(text));
          counter.endText();
        }
        const expected = countOracle(
          texts.flatMap((text) => pretokenizeOracle(latinOf(text), ORACLE_PATTERNS[pattern])),
        );
        assertEquals(
          sorted(countsByWord(counter.result)),
          sorted(expected),
          `${pattern}: ${snippet} after ${before}`,
        );
      }
    }
  }
});

Deno.test("WordCounter gives all of its counts to another, words of any length among them", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(hostileText, longText), { maxLength: 6 }), (texts) => {
      const total = new WordCounter("gpt2", NO_SPECIALS);
      for (const text of texts) {
        const counter = new WordCounter("gpt2", NO_SPECIALS);
        counter.push(new TextEncoder().encode(text));
        counter.endText();
        for (const part of counter.parts()) total.add(part);
      }
      const expected = countOracle(texts.flatMap((text) => pretokenizeOracle(latinOf(text))));
      assertEquals(sorted(countsByWord(total.result)), sorted(expected));
    }),
    { seed: 3, numRuns: 100 },
  );
});

Deno.test("WordCounter keeps many words apart, and counts past 2^32", () => {
  const counter = new WordCounter("gpt2", NO_SPECIALS);
  const words = Array.from({ length: 50_000 }, (_, i) => (i * 2654435761 % 2 ** 32).toString(36).replace(/\d/g, "_"));
  counter.push(new TextEncoder().encode(words.join(" ")));
  counter.endText();
  const expected = countOracle(pretokenizeOracle(latinOf(words.join(" "))));
  assertEquals(sorted(countsByWord(counter.result)), sorted(expected));
  // Doubled 32 times: each count times 2^32.
  for (let i = 0; i < 32; i++) for (const part of [...counter.parts()]) counter.add(part);
  const [first] = countsByWord(counter.result).values();
  assertEquals(first, [...countsByWord(counter.result).keys()].map((word) => expected.get(word)!)[0] * 2 ** 32);
});
