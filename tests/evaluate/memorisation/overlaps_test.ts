import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { OverlapFinder } from "../../../lib/evaluate/memorisation/overlaps.ts";

const encoder = new TextEncoder();

/** Text of few characters, so that much repeats; some take two, three and four bytes and share their first ones. */
const text = (maxLength: number) =>
  fc.array(fc.constantFrom("a", "b", "c", "ä", "å", "你", "佡", "🙂", "🙃"), { maxLength }).map((all) =>
    encoder.encode(all.join(""))
  );

/** Documents, each in pieces. */
const corpus = fc.array(fc.array(text(12), { maxLength: 5 }), { minLength: 1, maxLength: 3 });

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(pieces.flatMap((piece) => [...piece]));
}

function occursAt(part: Uint8Array, text: Uint8Array, at: number): boolean {
  return part.every((byte, i) => text[at + i] === byte);
}

/** The length of the longest common substring, by trying all. */
function longest(text: Uint8Array, documents: readonly Uint8Array[]): number {
  let best = 0;
  for (let start = 0; start < text.length; start++) {
    for (const document of documents) {
      for (let at = 0; at < document.length; at++) {
        let n = 0;
        while (start + n < text.length && at + n < document.length && text[start + n] === document[at + n]) n++;
        best = Math.max(best, n);
      }
    }
  }
  return best;
}

Deno.test("each text's overlap is as long as trying all finds, and is where it says, however the corpus is cut", () => {
  fc.assert(
    fc.property(fc.array(text(15), { maxLength: 4 }), corpus, fc.integer({ min: 1, max: 5 }), (texts, corpus, cut) => {
      const finder = new OverlapFinder(texts);
      for (const pieces of corpus) {
        // Cuts fall within characters too.
        const whole = concat(pieces);
        for (let at = 0; at < whole.length; at += cut) finder.push(whole.subarray(at, at + cut));
        finder.endDocument();
      }
      const documents = corpus.map(concat);
      const found = finder.overlaps();
      assertEquals(found.map(({ bytes }) => bytes), texts.map((text) => longest(text, documents)));
      for (const [i, { bytes, start, document, offset }] of found.entries()) {
        assert(start + bytes <= texts[i].length && offset + bytes <= documents[document].length);
        assert(occursAt(texts[i].subarray(start, start + bytes), documents[document], offset));
      }
    }),
    { seed: 1, numRuns: 1500 },
  );
});

Deno.test("a text that is in the corpus across many pieces is found whole, among thousands of others", () => {
  const words = Array.from({ length: 5000 }, (_, i) => `${i * i} `).join("");
  const bytes = encoder.encode(words);
  const finder = new OverlapFinder([bytes.subarray(10_000, 14_321), encoder.encode("nothing"), new Uint8Array()]);
  for (let at = 0; at < bytes.length; at += 97) finder.push(bytes.subarray(at, at + 97));
  assertEquals(finder.overlaps(), [
    { bytes: 4321, start: 0, document: 0, offset: 10_000 },
    { bytes: 0, start: 0, document: 0, offset: 0 },
    { bytes: 0, start: 0, document: 0, offset: 0 },
  ]);
});
