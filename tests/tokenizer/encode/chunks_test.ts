// The kernel splits text in chunks and blocks, and looks words up in passes: what lies across their edges, and words of
// every kind one after the other.
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { trainBpe } from "../../../lib/corpus/train_bpe.ts";
import { Encoder } from "../../../lib/tokenizer/encode/encoder.ts";
import { PATTERN_NAMES, type PatternName } from "../../../lib/tokenizer/pretokenize/patterns.ts";
import { hostileText, longText } from "../arbitraries.ts";
import { encodeOracle, type Latin, latinOf, ORACLE_PATTERNS, pretokenizeOracle, toLatin } from "../oracle.ts";

const training = fc.sample(longText, { seed: 11, numRuns: 400 }).join("");
const { vocabulary } = await trainBpe(training, { vocabSize: 600 });
const merges = Array.from(
  { length: vocabulary.merges.length / 3 },
  (_, i) => [0, 1].map((side) => toLatin(vocabulary.tokens.get(vocabulary.merges[i * 3 + side]))) as [Latin, Latin],
);

/** Of lengths around those at which words are kept in another way, and left to the host. */
const word = fc.record({
  length: fc.constantFrom(1, 2, 3, 7, 8, 9, 14, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 256, 1023, 1024, 1025, 4200),
  kind: fc.constantFrom("a", "q", "aqz", " ", "你", "\u00a0", "'", "0", "bst"),
}).map(({ length, kind }) => kind.repeat(Math.ceil(length / kind.length)).slice(0, length));

/** Text of several chunks, with repetitions. */
const manyChunks = fc.record({
  parts: fc.array(
    fc.oneof(
      { weight: 6, arbitrary: longText },
      { weight: 3, arbitrary: hostileText },
      { weight: 1, arbitrary: word },
    ),
    { minLength: 8, maxLength: 30, size: "max" },
  ),
  times: fc.integer({ min: 1, max: 4 }),
}).map(({ parts, times }) => parts.join("").repeat(times));

const encodings = new Map<Latin, Latin[]>();

function expectedTokens(text: Latin, pattern: PatternName): Latin[] {
  return pretokenizeOracle(text, ORACLE_PATTERNS[pattern]).flatMap((word) => {
    const tokens = encodings.get(word) ?? encodeOracle(word, merges, [], /[^]+/g);
    encodings.set(word, tokens);
    return tokens;
  });
}

for (const pattern of PATTERN_NAMES) {
  Deno.test(`encoding text of many chunks equals the slow oracle, ids of two bytes and of four: ${pattern}`, () => {
    // Words seen in one text are there for the next.
    const encoders = [true, false].map((isNarrow) => new Encoder({ ...vocabulary, pattern }, isNarrow));
    fc.assert(
      fc.property(manyChunks, (text) => {
        const bytes = new TextEncoder().encode(text);
        const expected = expectedTokens(latinOf(text), pattern);
        for (const encoder of encoders) {
          const tokens: Latin[] = [];
          encoder.encode(bytes, 0, bytes.length, (ids) => {
            for (const id of ids) tokens.push(toLatin(vocabulary.tokens.get(id)));
          });
          assertEquals(tokens, expected);
        }
      }),
      { seed: 12, numRuns: 150 },
    );
  });
}
