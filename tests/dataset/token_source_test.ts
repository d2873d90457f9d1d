import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";

Deno.test("tokensInMemory() takes every id from 0 to 2^32 - 1, as it is, from any list of numbers", async () => {
  const ids = [0, 1, 65536, 2 ** 31, 2 ** 32 - 1];
  for (const given of [ids, new Set(ids), Uint32Array.from(ids), Float64Array.from(ids)]) {
    assertEquals([...await tokensInMemory(given).read(0, 5)], ids);
  }
  assertEquals([...await tokensInMemory(Int8Array.of(3, 127)).read(0, 2)], [3, 127]);
});

Deno.test("tokensInMemory() refuses what is no id, and says what and where", () => {
  const wrong = fc.oneof(
    fc.constantFrom(-1, 2 ** 32, 1.5, NaN, Infinity, -0.5, 2 ** 53),
    fc.integer({ max: -1 }),
    fc.double({ min: 0.01, max: 0.99 }),
  );
  fc.assert(
    fc.property(
      fc.array(fc.nat(), { maxLength: 20 }),
      wrong,
      fc.array(fc.double(), { maxLength: 5 }),
      (good, bad, rest) => {
        const says = `got ${bad} at position ${good.length}, must be a whole number from 0 to 4294967295`;
        assertThrows(() => tokensInMemory([...good, bad, ...rest]), RangeError, says);
      },
    ),
    { seed: 6, numRuns: 200 },
  );
  assertThrows(() => tokensInMemory(Int32Array.of(4, -7)), RangeError, "got -7 at position 1");
});

Deno.test("ids in memory read like those of a file: a copy, within their range alone", async () => {
  const tokens = tokensInMemory([1, 2, 3], "three");
  (await tokens.read(0, 3)).fill(9);
  assertEquals(await tokens.read(1, 3), Uint32Array.of(2, 3));
  for (const [start, end] of [[-1, 2], [3, 2], [0, 4], [NaN, 2]]) {
    await assertRejects(() => tokens.read(start, end), RangeError, "of three: got 3 ids");
  }
});
