import { assert, assertEquals, assertRejects } from "@std/assert";
import { toBytes, toText } from "@std/streams";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import { constants, zstdCompressSync } from "node:zlib";
import { UserError } from "../../lib/errors.ts";
import { unzstd } from "../../lib/io/unzstd.ts";
import { MAX_WINDOW_BYTES } from "../../lib/io/zstd_frames.ts";
import { assertClosesSource, assertPassesOnErrors, inPieces } from "./unpacking_source.ts";

const TEXT = "some text ".repeat(1000);
const CHECKED = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
const PACKED = new Uint8Array(zstdCompressSync(TEXT, CHECKED));
/** Data that programs put between frames, for others to pass over: magic, length, content. */
const SKIPPABLE = Uint8Array.of(0x5e, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);
/** "some text\n", as the program zstd packs it from a file and from a pipe. */
const BY_ZSTD = ["KLUv/SQKUQAAc29tZSB0ZXh0CgLlGgY=", "KLUv/QRYUQAAc29tZSB0ZXh0CgLlGgY="];

function stream(parts: readonly Uint8Array[], size = 1 << 20) {
  return ReadableStream.from(unzstd(inPieces(parts, size), "x.zst"));
}

Deno.test("unzstd() unpacks any number of frames, and passes over others, wherever the bytes were cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }),
      fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1000, max: 1_000_000 })),
      async (areData, size) => {
        const frames = areData.map((isData) => isData ? PACKED : SKIPPABLE);
        assertEquals(await toText(stream(frames, size)), TEXT.repeat(areData.filter((isData) => isData).length));
      },
    ),
    { seed: 7, numRuns: 60 },
  );
  for (const base64 of BY_ZSTD) assertEquals(await toText(stream([Uint8Array.fromBase64(base64)])), "some text\n");
});

Deno.test("unzstd() unpacks what is large, hard to pack, or the same everywhere", async () => {
  const random = new Uint8Array(3_000_000);
  for (let at = 0; at < random.length; at += 1 << 17) {
    crypto.getRandomValues(random.subarray(at, Math.min(random.length, at + (1 << 15))));
  }
  for (const bytes of [new Uint8Array(0), new Uint8Array(5_000_000), random]) {
    const packed = new Uint8Array(zstdCompressSync(bytes));
    for (const size of [997, 1 << 16, 1 << 24]) {
      assertEquals(Buffer.compare(await toBytes(stream([packed], size)), bytes), 0, `${bytes.length} by ${size}`);
    }
  }
});

Deno.test("unzstd() says when data is damaged, wherever it is cut off", async () => {
  const refused = (...parts: Uint8Array[]) =>
    assertRejects(() => toBytes(stream(parts, 100)), UserError, "Cannot unpack x.zst: got damaged zstd data");
  const wrong = PACKED.slice();
  wrong[wrong.length - 1] ^= 1;
  await refused(wrong);
  await refused();
  await refused(new TextEncoder().encode(TEXT));
  await refused(PACKED, new TextEncoder().encode("text after it"));
  await refused(PACKED, Uint8Array.of(0x28));
  for (let length = 0; length < PACKED.length; length++) {
    await refused(PACKED.subarray(0, length));
    if (length > 0) await refused(PACKED, PACKED.subarray(0, length));
  }
  for (let length = 1; length < SKIPPABLE.length; length++) await refused(SKIPPABLE.subarray(0, length));
});

Deno.test("unzstd() takes any bytes, or refuses them by a UserError", async () => {
  const change = fc.record({ at: fc.nat(PACKED.length - 1), byte: fc.nat(255) });
  await fc.assert(fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
    const mutated = PACKED.slice();
    for (const { at, byte } of changes) mutated[at] = byte;
    try {
      await toBytes(stream([mutated], 64));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  }));
});

Deno.test("unzstd() refuses a window that takes too much memory, and data that needs a dictionary", async () => {
  // Magic, descriptor, window: 2^(10 + 18) bytes.
  const wide = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 18 << 3, 1, 0, 0);
  await assertRejects(
    () => toBytes(stream([wide])),
    UserError,
    `a window of ${2 * MAX_WINDOW_BYTES} bytes, must be at`,
  );
  // A single segment of 2^30 bytes.
  const single = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0x40, 1, 0, 0);
  await assertRejects(() => toBytes(stream([single])), UserError, "a window of 1073741824 bytes");
  const dictionary = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 1, 0, 7, 1, 0, 0);
  await assertRejects(() => toBytes(stream([dictionary])), UserError, "needs a dictionary");
});

Deno.test("unzstd() passes on errors of its source, and closes it when nobody reads on", async () => {
  const unpack = (source: AsyncIterable<Uint8Array>) => unzstd(source, "x.zst");
  await assertPassesOnErrors(unpack, PACKED);
  await assertClosesSource(unpack, PACKED);
});

Deno.test("unzstd() reads only as fast as it is read from: a bomb takes no memory", async () => {
  let given = 0;
  // Blocks of a byte that is repeated 128 KiB times, 4 bytes each: without an end.
  async function* bomb(): AsyncGenerator<Uint8Array> {
    yield Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 7 << 3);
    const word = (1 << 17) << 3 | 1 << 1;
    const block = [word & 255, word >> 8 & 255, word >> 16, 65];
    const piece = new Uint8Array(1 << 10).map((_, i) => block[i % 4]);
    for (;; given++) yield piece;
  }
  let bytes = 0;
  for await (const piece of unzstd(bomb(), "x.zst")) {
    bytes += piece.length;
    if (bytes > 1 << 24) break;
  }
  // 2^24 bytes are 512 bytes of blocks; the decompressor is given 64 KiB at a time.
  assert(given <= 256, `${given} pieces`);
});
