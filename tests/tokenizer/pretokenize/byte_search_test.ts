// Special tokens are looked for in blocks: what lies across the edges of blocks, and at the ends of a range.
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { ANY_BYTE, findBytes } from "../../../lib/tokenizer/pretokenize/byte_search.ts";
import { SpecialTokens } from "../../../lib/tokenizer/pretokenize/special_tokens.ts";

const A = 0x3c, B = 0x7c;

/** The same, one byte after the other. */
function findSlowly(bytes: Uint8Array, from: number, to: number, first: number, second: number): number {
  for (let at = from; at < to; at++) {
    const follows = second === ANY_BYTE || at + 1 === to || bytes[at + 1] === second;
    if (bytes[at] === first && follows) return at;
  }
  return -1;
}

Deno.test("findBytes() finds what a loop finds: at the edges of blocks, in ranges, and one byte before the end", () => {
  // Around the sizes of vectors and of what the kernel gets: 256 bytes are looked at before, then 2048, 4096, …
  const edges = [0, 15, 16, 17, 63, 64, 255, 256, 257, 511, 2303, 2304, 2305, 6399, 6400, 6401, 140_000];
  const near = fc.tuple(fc.constantFrom(...edges), fc.integer({ min: -2, max: 2 })).map(([edge, by]) => edge + by);
  const case_ = fc.record({
    places: fc.array(near, { maxLength: 4 }),
    kinds: fc.array(fc.constantFrom("first", "both", "second"), { minLength: 4, maxLength: 4 }),
    length: near,
    from: fc.constantFrom(0, 0, 1, 7, 300),
    cut: fc.integer({ min: 0, max: 3 }),
    any: fc.boolean(),
  });
  fc.assert(
    fc.property(case_, ({ places, kinds, length, from, cut, any }) => {
      const bytes = new Uint8Array(Math.max(0, length) + 3).fill(0x61);
      places.forEach((place, i) => {
        const at = place + from;
        if (at < 0 || at >= bytes.length) return;
        bytes[at] = kinds[i] === "second" ? B : A;
        if (kinds[i] === "both" && at + 1 < bytes.length) bytes[at + 1] = B;
      });
      const to = Math.max(from, bytes.length - cut);
      const second = any ? ANY_BYTE : B;
      for (let at: number = from; at >= 0;) {
        const found = findBytes(bytes, at, to, A, second);
        assertEquals(found, findSlowly(bytes, at, to, A, second));
        at = found < 0 ? -1 : found + 1;
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("special tokens are found wherever they lie, and half ones are not", () => {
  const texts = ["<|end|>", "<|end|>!", "<s>", "[x]"];
  for (const list of [texts.slice(0, 1), texts.slice(0, 2), texts.slice(0, 3), texts, ["|"]]) {
    const specials = new SpecialTokens(list.map((text, id) => ({ text, id })));
    const longestFirst = list.toSorted((a, b) => b.length - a.length);
    const parts = fc.constantFrom(...texts, "<|end|", "<|", "<", "|", "s>", "a", " ".repeat(250), "b".repeat(2040));
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 12 }), (some) => {
        const text = some.join("");
        const bytes = new TextEncoder().encode(text);
        for (let at = 0; at < text.length;) {
          const found = specials.find(bytes, at, bytes.length);
          const starts = longestFirst.map((token) => text.indexOf(token, at)).filter((start) => start >= 0);
          assertEquals(found?.start, starts.length === 0 ? undefined : Math.min(...starts));
          if (found === undefined) break;
          const token = longestFirst.find((token) => text.startsWith(token, found.start));
          assertEquals(found, {
            start: found.start,
            end: found.start + token!.length,
            id: list.indexOf(token!),
          });
          at = found.end;
        }
      }),
      { numRuns: 200 },
    );
  }
});
