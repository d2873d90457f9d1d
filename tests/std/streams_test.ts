import { assertEquals, assertRejects } from "@std/assert";
import { TextLineStream, toBytes, toText } from "@std/streams";
import fc from "fast-check";

/** A text's UTF-8, with bytes among it that are none, cut anywhere. */
const cutBytes = fc.array(
  fc.oneof(fc.uint8Array({ maxLength: 4 }), fc.string({ unit: fc.constantFrom("a", "é", "你", "🙂") }).map(encode)),
)
  .chain((parts) => {
    const bytes = Uint8Array.from(parts.flatMap((part) => [...part]));
    const cuts = fc.array(fc.nat(bytes.length), { maxLength: 6 });
    return cuts.map((cuts) => {
      const ends = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      return { bytes, pieces: ends.slice(1).map((end, i) => bytes.slice(ends[i], end)) };
    });
  });

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** A stream that gives something, and then breaks. */
function broken<T>(first: T): ReadableStream<T> {
  return ReadableStream.from((async function* () {
    yield await Promise.resolve(first);
    throw new RangeError("it broke");
  })());
}

Deno.test("TextLineStream gives the lines of a text, wherever its pieces are cut", async () => {
  const piece = fc.string({ unit: fc.constantFrom("a", "\n", "\r\n", "b ", "\r"), maxLength: 8 });
  await fc.assert(fc.asyncProperty(fc.array(piece, { maxLength: 6 }), async (pieces) => {
    const lines = await Array.fromAsync(ReadableStream.from(pieces).pipeThrough(new TextLineStream()));
    const expected = pieces.join("").split("\n");
    // A return is a part of a line's end only before a newline.
    const last = expected.pop()!;
    assertEquals(lines, [...expected.map((line) => line.replace(/\r$/, "")), ...last === "" ? [] : [last]]);
  }));
});

Deno.test("toBytes() and toText() give all of a stream, wherever its pieces are cut", async () => {
  await fc.assert(fc.asyncProperty(cutBytes, async ({ bytes, pieces }) => {
    assertEquals(new Uint8Array(await toBytes(ReadableStream.from(pieces))), bytes);
    assertEquals(await toText(ReadableStream.from(pieces)), new TextDecoder().decode(bytes));
  }));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: fc.constantFrom("a", "é", "🙂", "\ud83d", "\0") })), async (pieces) => {
      assertEquals(await toText(ReadableStream.from(pieces)), pieces.join(""));
    }),
  );
});

Deno.test("toText() leaves out a byte order mark of bytes, not of text, and ends a character that is cut off", async () => {
  assertEquals(await toText(ReadableStream.from([Uint8Array.of(0xef, 0xbb), Uint8Array.of(0xbf, 0x61)])), "a");
  assertEquals(await toText(ReadableStream.from(["\ufeffa"])), "\ufeffa");
  assertEquals(await toText(ReadableStream.from([Uint8Array.of(0x61, 0xe4, 0xbd)])), "a\ufffd");
});

Deno.test("toBytes() and toText() fail as their stream fails", async () => {
  await assertRejects(() => toText(broken("a")), RangeError, "it broke");
  await assertRejects(() => toText(broken(Uint8Array.of(1))), RangeError, "it broke");
  await assertRejects(() => toBytes(broken(Uint8Array.of(1))), RangeError, "it broke");
});
