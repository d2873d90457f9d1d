import { assert, assertEquals, assertRejects } from "@std/assert";
import { countFixedBatches, fixedBatches, randomBatch } from "../../lib/dataset/batches.ts";
import { tokensInMemory, type TokenSource } from "../../lib/dataset/token_source.ts";
import { UserError } from "../../lib/errors.ts";
import { recordOf, requireSameData } from "../../lib/run/data_record.ts";

/** Example i has i + 2 tokens, all of them 10 + i; its last two are learned. */
function examples(count: number, learned = 2): TokenSource {
  const rows = Array.from({ length: count }, (_, i) => Array<number>(i + 2).fill(10 + i));
  const starts = [0];
  for (const row of rows) starts.push(starts[starts.length - 1] + row.length);
  const counted = rows.flatMap((row) => row.map((_, t) => t >= row.length - learned ? 1 : 0));
  return {
    ...tokensInMemory(rows.flat(), "examples"),
    examples: { starts: Uint32Array.from(starts), counted: Uint8Array.from(counted) },
  };
}

const SHAPE = { batchSize: 3, seqLen: 8, vocabSize: 100 };

Deno.test("a row has one example from its first token on, and counts only what is learned of it", async () => {
  const { ids, targets, weights } = await randomBatch(examples(1, 1), { ...SHAPE, batchSize: 1, seqLen: 4 }, 0, 0);
  assertEquals([...ids], [10, 0, 0, 0]);
  assertEquals([...targets], [10, 0, 0, 0]);
  assertEquals([...weights!], [1, 0, 0, 0]);
  const source = examples(7);
  const batch = await randomBatch(source, SHAPE, 1, 0);
  for (let row = 0; row < 3; row++) {
    const part = <T extends Uint32Array | Float32Array>(values: T) => [...values.subarray(8 * row, 8 * row + 8)];
    const id = batch.ids[8 * row];
    const length = id - 10 + 1;
    const filled = (from: number, value: number) =>
      Array.from({ length: 8 }, (_, t) => from <= t && t < length ? value : 0);
    assertEquals(part(batch.ids), filled(0, id));
    assertEquals(part(batch.targets), filled(0, id));
    // The first token is learned of no example: nothing is before it.
    assertEquals(part(batch.weights!), filled(Math.max(0, length - 2), 1));
  }
});

Deno.test("each example comes once before any comes again, in an order that seed and step decide", async () => {
  const source = examples(7);
  const firstIds = async (seed: number, step: number) => {
    const { ids } = await randomBatch(source, SHAPE, seed, step);
    return [0, 1, 2].map((row) => ids[8 * row]);
  };
  const orders: number[][] = [];
  for (const seed of [0, 5]) {
    const drawn: number[] = [];
    for (let step = 0; step < 7; step++) drawn.push(...await firstIds(seed, step));
    for (let epoch = 0; epoch < 3; epoch++) {
      orders.push(drawn.slice(7 * epoch, 7 * epoch + 7));
      assertEquals(orders.at(-1)!.toSorted((a, b) => a - b), [10, 11, 12, 13, 14, 15, 16]);
    }
    // Asked for out of order, as after resuming.
    assertEquals(await firstIds(seed, 5), drawn.slice(15, 18));
  }
  assertEquals(new Set(orders.map(String)).size, 6);
});

Deno.test("validation takes examples spread evenly, none twice, and leaves rows empty that are left over", async () => {
  const batches = await Array.fromAsync(fixedBatches(examples(7), SHAPE, 20));
  assertEquals(countFixedBatches(examples(7), SHAPE, 20), 3);
  const firstIds = batches.map(({ ids }) => [0, 1, 2].map((row) => ids[8 * row]));
  assertEquals(firstIds, [[10, 11, 12], [13, 14, 15], [16, 0, 0]]);
  assertEquals(batches[2].weights!.subarray(8).every((weight) => weight === 0), true);
  const some = await Array.fromAsync(fixedBatches(examples(7), SHAPE, 1));
  assertEquals(some.map(({ ids }) => [0, 1, 2].map((row) => ids[8 * row])), [[10, 12, 14]]);
});

Deno.test("examples that fit into no row, foreign ids and no examples at all are refused", async () => {
  await randomBatch(examples(8), SHAPE, 0, 0);
  const long = await assertRejects(() => randomBatch(examples(9), SHAPE, 0, 0), UserError);
  assertEquals(
    long.message.split(".")[0],
    "Cannot use examples: got an example of 10 tokens, must be at most 9 (seqLen + 1)",
  );
  await assertRejects(() => randomBatch(examples(0), SHAPE, 0, 0), UserError, "got no examples");
  const foreign = () => randomBatch(examples(3), { ...SHAPE, vocabSize: 12 }, 0, 0);
  await assertRejects(
    foreign,
    UserError,
    "got token id 12 at position 5, must be below the model's vocabulary size 12",
  );
});

Deno.test("the record of examples knows their tokens, where they begin and what is learned", async () => {
  const record = await recordOf(examples(4));
  assertEquals(record.examples, 4);
  await requireSameData(examples(4), record);
  const other = await recordOf(examples(4, 1));
  assert(other.sha256 !== record.sha256);
  await assertRejects(() => requireSameData(examples(4, 1), record), UserError, "got other tokens");
  const [a, b] = [examples(4), examples(4)];
  const moved = { ...b, examples: { ...b.examples!, starts: Uint32Array.of(0, 2, 6, 9, 14) } };
  assert((await recordOf(a)).sha256 !== (await recordOf(moved)).sha256);
});
