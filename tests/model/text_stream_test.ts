import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { untilStopString } from "../../lib/model/text_stream.ts";

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
  const pieces = await Array.fromAsync(untilStopString(ids(), (id) => tokens[id], stops));
  return { text: await new Blob(pieces.map((piece) => piece.slice())).text(), taken };
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
