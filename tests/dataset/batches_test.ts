import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Batch, fixedBatches, randomBatch } from "../../lib/dataset/batches.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { UserError } from "../../lib/errors.ts";

const shape = { batchSize: 3, seqLen: 8, vocabSize: 1000 };
const counting = tokensInMemory(Array.from({ length: 100 }, (_, i) => i));

function assertWindows({ ids, targets }: Batch): void {
  assertEquals(ids.length, shape.batchSize * shape.seqLen);
  ids.forEach((id, i) => {
    assertEquals(targets[i], id + 1);
    if (i % shape.seqLen > 0) assertEquals(id, ids[i - 1] + 1);
  });
}

Deno.test("randomBatch: windows with their targets, decided by seed and step alone", async () => {
  const batches = [];
  for (const [seed, step] of [[0, 0], [0, 1], [1, 0], [0, 0]]) {
    const batch = await randomBatch(counting, shape, seed, step);
    assertWindows(batch);
    batches.push([...batch.ids].join());
  }
  assertEquals(batches[0], batches[3]);
  assertEquals(new Set(batches).size, 3);
});

Deno.test("randomBatch reaches the first and the last window, and none beyond", async () => {
  const small = tokensInMemory([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  const starts = new Set<number>();
  for (let step = 0; step < 50; step++) {
    const { ids } = await randomBatch(small, shape, 4, step);
    for (let row = 0; row < shape.batchSize; row++) starts.add(ids[row * shape.seqLen]);
  }
  assertEquals([...starts].sort(), [10, 11]);
});

Deno.test("fixedBatches: the same windows each time, spread from start to end", async () => {
  const collect = async () => {
    const batches = await Array.fromAsync(fixedBatches(counting, shape, 2));
    batches.forEach(assertWindows);
    return batches.map(({ ids }) => [...ids]);
  };
  const batches = await collect();
  assertEquals(batches, await collect());
  assertEquals(batches.length, 2);
  assertEquals(batches[0][0], 0);
  assert(batches[1].at(-1)! > 75);
});

Deno.test("batches refuse a source that is too short, and ids beyond the vocabulary", async () => {
  await assertRejects(() => randomBatch(tokensInMemory([1, 2, 3]), shape, 0, 0), UserError, "must be at least 9");
  await assertRejects(
    () => randomBatch(counting, { ...shape, vocabSize: 5 }, 0, 0),
    UserError,
    "must be below the model's vocabulary size 5",
  );
});
