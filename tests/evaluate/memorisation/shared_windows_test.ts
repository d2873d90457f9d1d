import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { SharedWindows } from "../../../lib/evaluate/memorisation/shared_windows.ts";

const bytes = (maxLength: number) =>
  fc.array(fc.constantFrom(0, 1, 97, 255), { maxLength }).map((all) => Uint8Array.from(all));

function windowsOf(text: Uint8Array, size: number): string[] {
  return Array.from({ length: Math.max(0, text.length - size + 1) }, (_, i) => text.subarray(i, i + size).join());
}

Deno.test("windows are counted as sets of strings count them, however the corpus is cut", () => {
  fc.assert(
    fc.property(
      fc.array(bytes(40), { maxLength: 3 }),
      fc.array(bytes(60), { maxLength: 3 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 7 }),
      (texts, documents, size, cut) => {
        const finder = new SharedWindows(texts, size);
        for (const document of documents) {
          for (let at = 0; at < document.length; at += cut) finder.push(document.subarray(at, at + cut));
          finder.endDocument();
        }
        const known = new Set(documents.flatMap((document) => windowsOf(document, size)));
        const windows = texts.flatMap((text) => windowsOf(text, size));
        const shared = windows.filter((window) => known.has(window)).length;
        assertEquals(finder.count(), { windows: windows.length, shared });
      },
    ),
    { seed: 2, numRuns: 1500 },
  );
});

Deno.test("windows longer than a piece, over more text than is kept at a time", () => {
  const text = new TextEncoder().encode(Array.from({ length: 40_000 }, (_, i) => `${i} `).join(""));
  const finder = new SharedWindows([text.subarray(70_000, 71_000), new Uint8Array(1000)], 500);
  for (let at = 0; at < text.length; at += 331) finder.push(text.subarray(at, at + 331));
  assertEquals(finder.count(), { windows: 1002, shared: 501 });
  assertThrows(() => new SharedWindows([text], 0), RangeError, "got 0 bytes");
});
