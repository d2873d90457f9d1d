import { assertEquals } from "@std/assert";
import { TextLineStream } from "@std/streams";
import fc from "fast-check";

Deno.test("TextLineStream gives the lines of a text, wherever its pieces are cut", async () => {
  const piece = fc.string({ unit: fc.constantFrom("a", "\n", "\r\n", "b "), maxLength: 8 });
  await fc.assert(fc.asyncProperty(fc.array(piece, { maxLength: 6 }), async (pieces) => {
    const lines = await Array.fromAsync(ReadableStream.from(pieces).pipeThrough(new TextLineStream()));
    const expected = pieces.join("").split("\n");
    if (expected.at(-1) === "") expected.pop();
    assertEquals(lines, expected.map((line) => line.replace(/\r$/, "")));
  }));
});
