import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { PATTERN_NAMES } from "../../../lib/tokenizer/pretokenize/patterns.ts";
import { TokenBytes } from "../../../lib/tokenizer/encode/token_bytes.ts";
import { Tokenizer } from "../../../lib/tokenizer/tokenizer.ts";
import { hostileText } from "../arbitraries.ts";
import { encodeOracle, type Latin, latinOf, ORACLE_PATTERNS, pretokenizeOracle, toLatin } from "../oracle.ts";

const bytesOf = (latin: Latin) => Uint8Array.from(latin, (char) => char.charCodeAt(0));

/** A tokenizer whose ids of bytes are the bytes; merged tokens follow, then those that no merge makes. */
function tokenizerOf(
  { pattern = "gpt2", merges = [], whole }: {
    readonly pattern?: typeof PATTERN_NAMES[number];
    readonly merges?: readonly (readonly [Latin, Latin])[];
    readonly whole: readonly Latin[];
  },
) {
  const tokens = new TokenBytes();
  const idOf = new Map<Latin, number>();
  const bytes = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
  for (const token of [...bytes, ...merges.map(([left, right]) => left + right), ...whole]) {
    if (idOf.has(token)) continue;
    tokens.set(idOf.size, bytesOf(token));
    idOf.set(token, idOf.size);
  }
  const triples = merges.flatMap(([left, right]) => [left, right, left + right].map((token) => idOf.get(token)!));
  const vocabulary = { pattern, tokens, merges: Uint32Array.from(triples), specials: [], ignoreMerges: true };
  return { tokenizer: new Tokenizer(vocabulary), idOf };
}

Deno.test("where merges are ignored for whole tokens, a pre-token that is a token is that token", () => {
  const letters = fc.constantFrom("a", "b", "s", "t", " ", "0", "'");
  const token = fc.oneof(
    fc.array(letters, { minLength: 2, maxLength: 4 }).map((parts) => latinOf(parts.join(""))),
    // As long as the kernel's short and long words may be, and longer.
    fc.integer({ min: 14, max: 1030 }).map((length) => "a".repeat(length)),
  );
  fc.assert(
    fc.property(
      fc.record({
        pattern: fc.constantFrom(...PATTERN_NAMES),
        whole: fc.uniqueArray(token, { maxLength: 8 }),
        texts: fc.array(hostileText, { maxLength: 4 }),
        mergeA: fc.boolean(),
      }),
      ({ pattern, whole, texts, mergeA }) => {
        const merges = mergeA ? [["a", "a"], ["b", "s"], [" ", "a"], ["aa", "aa"]] as const : [];
        const { tokenizer, idOf } = tokenizerOf({ pattern, merges, whole });
        const text = latinOf(texts.join(" ")) + whole.join("b") + whole.join("") + whole.join(" ");
        const expected = pretokenizeOracle(text, ORACLE_PATTERNS[pattern]).flatMap((word) =>
          idOf.has(word) ? [word] : encodeOracle(word, merges, [], /[^]+/gu)
        );
        const ids = tokenizer.encode(bytesOf(text));
        assertEquals(Array.from(ids, (id) => toLatin(tokenizer.vocabulary.tokens.get(id))), expected);
      },
    ),
    { seed: 17, numRuns: 100 },
  );
});

Deno.test("whole tokens are kept when the words seen are forgotten, and when a long word takes more room", () => {
  // Letters alone, so that each is one word.
  const spell = (n: number) => n.toString(16).replaceAll(/\d/g, (digit) => "ghijklmnop"[Number(digit)]);
  const whole = Array.from({ length: 3000 }, (_, i) => ` w${"x".repeat(i % 40)}${spell(i)}z`);
  const { tokenizer, idOf } = tokenizerOf({ whole });
  const check = (words: readonly string[]) => {
    const expected = words.flatMap((word) => idOf.get(word) ?? [...new TextEncoder().encode(word)]);
    const ids = tokenizer.encode(words.join(""));
    assertEquals(ids.length, expected.length);
    assertEquals(expected.findIndex((id, i) => id !== ids[i]), -1, "the first that differs");
  };
  // More words than the kernel keeps (a million slots of 32 bytes; these take 33 each); a word larger than its input; and all the tokens between.
  let next = 0;
  const others = (count: number) => Array.from({ length: count }, () => ` q${spell(next++)}${"y".repeat(200)}`);
  check(whole);
  check([...whole, ...others(33_000), ...whole, ...others(10)]);
  check([...whole.slice(5), ` ${"y".repeat(600_000)}`, ...whole]);
});
