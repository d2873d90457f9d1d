import { assertEquals } from "@std/assert";
import { toText } from "@std/streams";
import fc from "fast-check";
import { untilStopString } from "../../lib/generate/text_stream.ts";

/** A few letters, so that stop strings occur, overlap, and nearly occur. */
const word = (maxLength: number) => fc.string({ unit: fc.constantFrom("a", "b", "é"), maxLength });

async function collect(tokens: readonly Uint8Array[], stops: readonly string[]) {
  let taken = 0;
  async function* ids() {
    for (const id of tokens.keys()) {
      taken++;
      yield await Promise.resolve(id);
    }
  }
  const text = await toText(ReadableStream.from(untilStopString(ids(), (id) => tokens[id], stops)));
  return { text, taken };
}

Deno.test("untilStopString gives the text before the first stop string, wherever tokens are cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      word(30),
      fc.array(word(4), { maxLength: 3 }),
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 60, maxLength: 60 }),
      async (text, stops, sizes) => {
        const bytes = new TextEncoder().encode(text);
        const tokens: Uint8Array[] = [];
        for (let at = 0, i = 0; at < bytes.length; at += sizes[i++]) tokens.push(bytes.subarray(at, at + sizes[i]));
        const ends = stops.filter((stop) => stop !== "" && text.includes(stop)).map((stop) => text.indexOf(stop));
        assertEquals((await collect(tokens, stops)).text, text.slice(0, Math.min(...ends, text.length)));
      },
    ),
    { seed: 6, numRuns: 500 },
  );
});

Deno.test("untilStopString asks for no token after the one that completes a stop string", async () => {
  const tokens = ["ab", "c", "de", "f"].map((text) => new TextEncoder().encode(text));
  assertEquals(await collect(tokens, ["cd"]), { text: "ab", taken: 3 });
});

Deno.test("of several stop strings the one that begins first in the text ends it, however the text is cut", async () => {
  const cases: [text: string, stops: string[], expected: string][] = [
    ["xabcdy", ["abcd", "bc"], "x"],
    // The longer one is never completed: the shorter within it is the first.
    ["xabcy", ["abcd", "bc"], "xa"],
    ["xabc", ["abcd", "bc"], "xa"],
    ["xab", ["abcd", "bc"], "xab"],
    ["aab", ["aabb", "ab", "b"], "a"],
    ["abab", ["ababa", "bab"], "a"],
  ];
  for (const [text, stops, expected] of cases) {
    const bytes = new TextEncoder().encode(text);
    // Each way to cut it.
    for (let cuts = 0; cuts < 1 << (bytes.length - 1); cuts++) {
      const tokens: Uint8Array[] = [];
      for (let at = 0, end = 1; end <= bytes.length; end++) {
        if (end < bytes.length && (cuts >> (end - 1) & 1) === 0) continue;
        tokens.push(bytes.subarray(at, end));
        at = end;
      }
      for (const order of [stops, stops.toReversed()]) {
        assertEquals((await collect(tokens, order)).text, expected, `${text} in ${tokens.length} parts, ${order}`);
      }
    }
  }
});

Deno.test("untilStopString gives the same text for each way to cut it, where stop strings overlap", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: fc.constantFrom("a", "b"), minLength: 4, maxLength: 24 }),
      fc.array(fc.tuple(fc.nat(23), fc.integer({ min: 1, max: 8 })), { minLength: 1, maxLength: 4 }),
      fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 24, maxLength: 24 }),
      async (text, places, sizes) => {
        // Taken from the text, one of them grown by a letter, so that they overlap and are nearly there.
        const stops = places.map(([at, length], i) =>
          text.slice(at % text.length).slice(0, length) + (i === 0 ? "b" : "")
        );
        const bytes = new TextEncoder().encode(text);
        const tokens: Uint8Array[] = [];
        for (let at = 0, i = 0; at < bytes.length; at += sizes[i++]) tokens.push(bytes.subarray(at, at + sizes[i]));
        const ends = stops.map((stop) => text.indexOf(stop)).filter((end) => end >= 0);
        assertEquals((await collect(tokens, stops)).text, text.slice(0, Math.min(...ends, text.length)));
      },
    ),
    { seed: 7, numRuns: 1000 },
  );
});
