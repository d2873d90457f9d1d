import { assertEquals, assertRejects } from "@std/assert";
import { randomBatch } from "../../lib/dataset/batches.ts";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { openTokens, ShardedTokens } from "../../lib/dataset/sharded_tokens.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { UserError } from "../../lib/errors.ts";
import { Random } from "../harness/random.ts";

const SIZES = [5, 0, 1, 7, 13];

/** Shards of random ids as encode names them, and the ids. */
async function withShards(body: (index: string, ids: Uint16Array) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    const ids = Uint16Array.from(new Random(1).integers(SIZES.reduce((a, b) => a + b), 100));
    const shards = [];
    let at = 0;
    for (const [i, tokens] of SIZES.entries()) {
      const name = `train-0000${i}-of-00005.npy`;
      await writeNpy(`${dir}/${name}`, ids.subarray(at, at += tokens));
      shards.push({ name, tokens });
    }
    const index = { arguments: {}, dtype: "uint16", numShards: 5, shards, tokens: ids.length };
    await Deno.writeTextFile(`${dir}/train.index.json`, JSON.stringify(index));
    await body(`${dir}/train.index.json`, ids);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("shards read as one file would, at every range and for batches", async () => {
  await withShards(async (index, ids) => {
    using tokens = await openTokens(index);
    assertEquals(tokens.length, ids.length);
    for (let start = 0; start <= ids.length; start++) {
      for (let end = start; end <= ids.length; end++) {
        assertEquals(await tokens.read(start, end), ids.slice(start, end), `${start} to ${end}`);
      }
    }
    const shape = { batchSize: 8, seqLen: 6, vocabSize: 100 };
    assertEquals(await randomBatch(tokens, shape, 3, 4), await randomBatch(tokensInMemory(ids), shape, 3, 4));
    await assertRejects(() => tokens.read(0, ids.length + 1), RangeError, "must be within");
  });
});

Deno.test("an index that is not finished, or whose shards are not what it says, is refused", async () => {
  await withShards(async (index) => {
    const text = await Deno.readTextFile(index);
    const refused = async (changed: string, says: string) => {
      await Deno.writeTextFile(index, changed);
      await assertRejects(() => ShardedTokens.open(index), UserError, says);
    };
    await refused("{", "not JSON");
    await refused("{}", 'got no "shards", must be a list');
    await refused(text.replace(/"shards":\[.*\]/, '"shards":[]'), '"tokens" 26, must be null');
    await refused(text.replace(/"shards":\[.*/, '"shards":[],"tokens":null}'), "none of 5 shards");
    await refused(text.replace('"tokens":13', '"tokens":14'), "must be the sum of the shards', 27");
    await refused(
      text.replace('"tokens":13', '"tokens":14').replace('"tokens":26', '"tokens":27'),
      "13 ids of uint16 in train-00004-of-00005.npy instead of 14",
    );
    await refused(text.replace('"name":"train-00003', '"name":"../train-00003'), "a .npy file beside the index");
    await refused(text.replace('"numShards"', '"shardCount"'), '"shardCount", must be one of');
    await refused(text.replaceAll("train-00003", "train-00009"), "train-00009-of-00005.npy");
  });
});
