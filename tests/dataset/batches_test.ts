import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Batch, fixedBatches, randomBatch, requireVocabulary } from "../../lib/dataset/batches.ts";
import { NpyReader } from "../../lib/dataset/npy_file.ts";
import { NPY_HEADER_BYTES, npyHeader } from "../../lib/dataset/npy_format.ts";
import { tokensInMemory, type TokenSource } from "../../lib/dataset/token_source.ts";
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
  const { source } = zerosBut(100, 1000, 50);
  const drawAll = async () => {
    for (let step = 0; step < 50; step++) await randomBatch(source, shape, 0, step);
  };
  await assertRejects(drawAll, UserError, "got token id 1000 at position 50,");
});

/** A source of zeros but for one id, that counts what is read of it. */
function zerosBut(length: number, id: number, at: number): { source: TokenSource; tokensRead: () => number } {
  let tokensRead = 0;
  const read = (start: number, end: number) => {
    tokensRead += end - start;
    const ids = new Uint16Array(end - start);
    if (start <= at && at < end) ids[at - start] = id;
    return Promise.resolve(ids);
  };
  return { source: { name: "zeros", length, read }, tokensRead: () => tokensRead };
}

Deno.test("requireVocabulary finds any id beyond the vocabulary in what it reads whole, and says where", async () => {
  const stretch = 1 << 16;
  for (const length of [1, 2, stretch - 1, stretch, stretch + 1, 2 * stretch, 3 * stretch + 5, 1 << 24]) {
    for (const at of new Set([0, 1, stretch - 1, stretch, 2 * stretch + 3, length - stretch, length - 1])) {
      if (at < 0 || at >= length) continue;
      const { source } = zerosBut(length, 7, at);
      await requireVocabulary(source, 8);
      await assertRejects(() => requireVocabulary(source, 7), UserError, `got token id 7 at position ${at},`);
    }
  }
});

Deno.test("a source a thousand times as long is not read more before training, but at its start and end too", async () => {
  const read = [];
  for (const length of [1 << 24, 5e9, 5e12]) {
    const { source, tokensRead } = zerosBut(length, 7, length - 1);
    await assertRejects(() => requireVocabulary(source, 7), UserError, `at position ${length - 1},`);
    read.push(tokensRead());
  }
  assertEquals(read, [1 << 24, 1 << 24, 1 << 24]);
  const { source } = zerosBut(5e9, 7, 0);
  await assertRejects(() => requireVocabulary(source, 7), UserError, "at position 0,");
});

Deno.test("batches come from far beyond 2^32 bytes of a file, and only their windows are read", async () => {
  const path = await Deno.makeTempFile({ suffix: ".npy" });
  try {
    // A file with a hole takes no room on disk.
    const length = 3e9;
    await Deno.writeFile(path, npyHeader("uint16", length));
    await Deno.truncate(path, NPY_HEADER_BYTES + 2 * length);
    using file = await Deno.open(path, { write: true });
    const at = length - 9;
    await file.seek(NPY_HEADER_BYTES + 2 * at, Deno.SeekMode.Start);
    await file.write(new Uint8Array(Uint16Array.from({ length: 9 }, (_, i) => 1 + i).buffer));
    using reader = await NpyReader.open(path);
    assertEquals([...await reader.read(at - 1)], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let tokensRead = 0;
    const counted: TokenSource = {
      name: path,
      length: reader.length,
      read: (start, end) => {
        tokensRead += end - start;
        return reader.read(start, end);
      },
    };
    for (let step = 0; step < 20; step++) await randomBatch(counted, shape, 1, step);
    assertEquals(tokensRead, 20 * shape.batchSize * (shape.seqLen + 1));
  } finally {
    await Deno.remove(path);
  }
});
