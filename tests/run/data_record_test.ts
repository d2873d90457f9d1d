import { assert, assertEquals, assertRejects } from "@std/assert";
import { tokensInMemory, type TokenSource } from "../../lib/dataset/token_source.ts";
import { UserError } from "../../lib/errors.ts";
import { recordOf, requireSameData } from "../../lib/run/data_record.ts";
import { Random } from "../harness/random.ts";

Deno.test("a change anywhere in a source of usual length is noticed, and said to be one", async () => {
  const random = new Random(3);
  for (const length of [1, 1000, 65_536, 65_537, 200_000]) {
    const ids = random.integers(length, 500);
    const record = await recordOf(tokensInMemory(ids, "old.npy"));
    assertEquals(record.tokens, length);
    await requireSameData(tokensInMemory(ids, "moved.npy"), record);
    for (const at of [0, length >> 1, random.integer(0, length), length - 1]) {
      const edited = tokensInMemory(ids.with(at, ids[at] + 1), "new.npy");
      await assertRejects(() => requireSameData(edited, record), UserError, "new.npy: got other tokens, must be");
    }
    const longer = tokensInMemory([...ids, 7], "new.npy");
    await assertRejects(() => requireSameData(longer, record), UserError, `${length + 1} tokens instead of ${length}`);
  }
});

Deno.test("of a long source windows are read, from its beginning to its end, and no more", async () => {
  const length = 3_000_000_017;
  const reads: [number, number][] = [];
  // Each id is its place.
  const source: TokenSource = {
    name: "long.npy",
    length,
    read: (start, end) => {
      reads.push([start, end]);
      return Promise.resolve(Uint32Array.from({ length: end - start }, (_, i) => (start + i) % 65_521));
    },
  };
  const record = await recordOf(source);
  assertEquals(reads.length, 64);
  assertEquals([reads[0][0], reads.at(-1)![1]], [0, length]);
  const gaps = reads.slice(1).map(([start], i) => start - reads[i][1]);
  assert(Math.max(...gaps) - Math.min(...gaps) <= 1 && gaps[0] > 0, `${gaps}`);
  await requireSameData(source, record);
});
