import { assertEquals, assertRejects } from "@std/assert";
import { toText } from "@std/streams";
import fc from "fast-check";
import { gzipSync } from "node:zlib";
import { UserError } from "../../lib/errors.ts";
import { gunzip } from "../../lib/io/gunzip.ts";
import { assertClosesSource, assertPassesOnErrors, inPieces } from "./unpacking_source.ts";

const TEXT = "some text ".repeat(1000);
const PACKED = new Uint8Array(gzipSync(TEXT));

async function unpack(parts: readonly Uint8Array[], size = 1 << 20): Promise<string> {
  return await toText(ReadableStream.from(gunzip(inPieces(parts, size), "x.gz")));
}

Deno.test("gunzip() unpacks any number of members and the zeros after them, wherever the bytes were cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }),
      fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 400_000 })),
      fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1000, max: 1_000_000 })),
      async (numMembers, numZeros, size) => {
        const members = new Array<Uint8Array>(numMembers).fill(PACKED);
        const zeros = new Uint8Array(size < 100 ? numZeros % 1000 : numZeros);
        assertEquals(await unpack([...members, zeros], size), TEXT.repeat(numMembers));
      },
    ),
    { seed: 7, numRuns: 60 },
  );
});

Deno.test("gunzip() refuses data after the zeros, which nobody would read, wherever the bytes were cut", async () => {
  for (const size of [1, 7, PACKED.length, PACKED.length + 1, PACKED.length + 5, 1 << 20]) {
    for (const after of [PACKED, Uint8Array.of(65)]) {
      await assertRejects(
        () => unpack([PACKED, new Uint8Array(9), after], size),
        UserError,
        `Cannot unpack x.gz: got more data after the zeros from byte ${PACKED.length} on`,
      );
    }
  }
});

Deno.test("gunzip() says when data is damaged", async () => {
  const refused = (...parts: Uint8Array[]) =>
    assertRejects(() => unpack(parts, 100), UserError, "Cannot unpack x.gz: got damaged gzip data");
  const wrong = PACKED.slice();
  wrong[wrong.length - 6] ^= 1;
  await refused();
  await refused(new TextEncoder().encode(TEXT));
  await refused(wrong);
  await refused(PACKED, new TextEncoder().encode("text after it"));
  for (const length of [1, 2, 9, 20, PACKED.length - 1]) {
    await refused(PACKED.subarray(0, length));
    await refused(PACKED, PACKED.subarray(0, length));
  }
});

Deno.test("gunzip() passes on errors of its source, and closes it when nobody reads on", async () => {
  const unpack = (source: AsyncIterable<Uint8Array>) => gunzip(source, "x.gz");
  await assertPassesOnErrors(unpack, PACKED);
  await assertClosesSource(unpack, PACKED);
});
