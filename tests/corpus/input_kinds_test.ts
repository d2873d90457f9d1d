import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { extensionOf, inputKinds } from "../../lib/corpus/input_kinds.ts";

Deno.test("extensionOf() gives what a name ends in, and what is packed", () => {
  for (
    const [path, extension] of [
      ["a.txt", ".txt"],
      ["in.d/a", ""],
      ["in/.hidden", ""],
      ["in/.hidden.md", ".md"],
      ["a.JSONL.GZ", ".jsonl.gz"],
      ["a.gz", ".gz"],
      ["a.gz.gz", ".gz"],
      ["a.tar.gz", ".tar.gz"],
      ["a.jsonl.zst", ".jsonl.zst"],
      ["a.zst", ".zst"],
      [".gz", ""],
      ["a.", ""],
      ["letter to Mr. Smith, 3rd", ""],
      ["a.c++", ".c++"],
      ["a.текст", ".текст"],
      [`a.${"x".repeat(17)}`, ""],
      ["a.\u001b[31m", ""],
      ["", ""],
    ]
  ) assertEquals(extensionOf(path), extension, path);
});

Deno.test("inputKinds() counts every file of known size once, the largest kinds first", () => {
  const inputs = fc.array(fc.record({
    path: fc.tuple(fc.constantFrom("a", "in/b", "c.d/e"), fc.constantFrom("", ".txt", ".TXT", ".md", ".md.gz", ".u8"))
      .map((parts) => parts.join("")),
    bytes: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
  }));
  fc.assert(
    fc.property(inputs, (inputs) => {
      const kinds = inputKinds(inputs);
      for (const [i, { extension, files, bytes }] of kinds.entries()) {
        // The names above hold no other dot after their last slash.
        const ofKind = inputs.filter(({ path, bytes }) =>
          bytes !== undefined && path.toLowerCase().replace(/^.*\//, "").replace(/^[^.]*/, "") === extension
        );
        assertEquals([files, bytes], [ofKind.length, ofKind.reduce((sum, { bytes }) => sum + bytes!, 0)]);
        if (i === 0) continue;
        const before = kinds[i - 1];
        assertEquals(before.files > files || (before.files === files && before.bytes >= bytes), true);
      }
      assertEquals(new Set(kinds.map(({ extension }) => extension)).size, kinds.length);
      const known = inputs.filter(({ bytes }) => bytes !== undefined);
      assertEquals(kinds.reduce((sum, { files }) => sum + files, 0), known.length);
    }),
    { seed: 5, numRuns: 300 },
  );
});
