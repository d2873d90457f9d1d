// Shards that are there already, but of another text or way to encode, or not ours at all.
import { assertEquals, assertRejects } from "@std/assert";
import { encodeShards, type EncodeShardsOptions } from "../../lib/corpus/encode/encode_shards.ts";
import { expandInputs } from "../../lib/corpus/expand_inputs.ts";
import { readNpy, writeNpy } from "../../lib/dataset/npy_file.ts";
import { provenancePath } from "../../lib/dataset/provenance.ts";
import { shardName } from "../../lib/dataset/shard_files.ts";
import { UserError } from "../../lib/errors.ts";
import { Tokenizer } from "../../lib/tokenizer/tokenizer.ts";
import { trainBpe } from "../../lib/corpus/train_bpe.ts";

const A = "the cat sat on the <|endoftext|> mat. ".repeat(3000);
const B = A.replaceAll("cat", "dog");
const tokenizer = await trainBpe(A, { vocabSize: 268 });
const { merges, ...rest } = tokenizer.vocabulary;
const other = new Tokenizer({ ...rest, merges: merges.subarray(3) });

interface Run extends Partial<EncodeShardsOptions> {
  readonly text?: string;
  readonly from?: Tokenizer;
}

/** Runs `body` with what encodes a text into 3 shards `s` in a new directory, and what gives their ids. */
async function withShards(
  body: (dir: string, encode: (run?: Run) => ReturnType<typeof encodeShards>) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await body(dir, async ({ text = A, from = tokenizer, ...options } = {}) => {
      await Deno.writeTextFile(`${dir}/in.txt`, text);
      const inputs = await expandInputs([`${dir}/in.txt`]);
      return await encodeShards(from, inputs, `${dir}/s`, { size: { numShards: 3 }, ...options });
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const idsOf = async (dir: string) =>
  (await Promise.all([0, 1, 2].map((i) => readNpy(shardName(`${dir}/s`, i, 3))))).flatMap((ids) => [...ids]);

/** What else may be asked of the same names, and the ids that this is. */
const RUNS: Record<string, { readonly run: Run; readonly ids: readonly number[] }> = {
  "another text of the same length": { run: { text: B }, ids: [...tokenizer.encode(B)] },
  "special tokens as text": { run: { specials: "text" }, ids: [...tokenizer.encode(A, { specials: "text" })] },
  "a separator": { run: { separatorId: 7 }, ids: [...tokenizer.encode(A), 7] },
  "another tokenizer": { run: { from: other }, ids: [...other.encode(A)] },
};

for (const [name, { run, ids }] of Object.entries(RUNS)) {
  Deno.test(`shards that a run with --force had not come to are made anew by the next: ${name}`, () =>
    withShards(async (dir, encode) => {
      await encode();
      const stop = new AbortController();
      const onShard = () => stop.abort(new Error("cut off"));
      await assertRejects(() => encode({ ...run, replace: true, onShard, signal: stop.signal }), Error, "cut off");
      const made: boolean[] = [];
      const { tokens } = await encode({ ...run, onShard: (_name, _tokens, isNew) => made.push(isNew) });
      // A text's last shard alone has its separator.
      assertEquals(made, [false, true, true]);
      assertEquals(await idsOf(dir), ids);
      assertEquals(tokens, ids.length);
    }));

  Deno.test(`an index is complete only with the shards of its run: ${name}`, () =>
    withShards(async (dir, encode) => {
      await encode();
      for (const only of [0, 1]) {
        const index = await encode({ ...run, only, replace: true });
        assertEquals([index.shards, index.tokens], [[], null]);
        assertEquals(JSON.parse(await Deno.readTextFile(`${dir}/s.index.json`)).shards, []);
      }
      assertEquals((await encode({ ...run, only: 2, replace: true })).tokens, ids.length);
      assertEquals(await idsOf(dir), ids);
    }));

  Deno.test(`shards whose index is lost are refused for what they were not made for, and taken for what they were: ${name}`, () =>
    withShards(async (dir, encode) => {
      await encode();
      const before = await idsOf(dir);
      await Deno.remove(`${dir}/s.index.json`);
      for (let again = 0; again < 2; again++) {
        const refused = encode({ ...run, only: again });
        await assertRejects(() => refused, UserError, `${dir}/s-0000`);
        assertEquals(await idsOf(dir), before);
      }
      const made: boolean[] = [];
      await encode({ onShard: (_name, _tokens, isNew) => made.push(isNew) });
      assertEquals(made, [false, false, false]);
      assertEquals((await encode({ ...run, replace: true })).tokens, ids.length);
      assertEquals(await idsOf(dir), ids);
    }));
}

Deno.test("JSON Lines of another field are not taken for shards of this one", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const lines = Array.from({ length: 9 }, (_, i) => `${JSON.stringify({ a: `cat ${i}`, b: "dog" })}\n`).join("");
    await Deno.writeTextFile(`${dir}/in.jsonl`, lines);
    const inputs = await expandInputs([`${dir}/in.jsonl`]);
    const encode = (field: string) => encodeShards(tokenizer, inputs, `${dir}/s`, { size: { numShards: 3 }, field });
    await encode("a");
    await Deno.remove(`${dir}/s.index.json`);
    await assertRejects(() => encode("b"), UserError, `${dir}/s-00000-of-00003.npy`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("with no index beside it, a file of a shard's name is refused, and stays", () =>
  withShards(async (dir, encode) => {
    const shard = shardName(`${dir}/s`, 1, 3);
    const foreign: Record<string, () => Promise<void>> = {
      [shard]: () => writeNpy(shard, Uint16Array.of(1, 2, 3)),
      [provenancePath(shard)]: () => Deno.writeTextFile(provenancePath(shard), "mine"),
    };
    for (const [path, write] of Object.entries(foreign)) {
      await write();
      const before = await Deno.readFile(path);
      for (const only of [undefined, 0, 1]) {
        await assertRejects(() => encode({ only }), UserError, `Cannot write ${path}`);
        const left = Array.from(Deno.readDirSync(dir), ({ name }) => `${dir}/${name}`).sort();
        assertEquals(left, [`${dir}/in.txt`, path]);
        assertEquals(await Deno.readFile(path), before);
      }
      await encode({ replace: true });
      assertEquals(await idsOf(dir), [...tokenizer.encode(A)]);
      for (const { name } of Deno.readDirSync(dir)) await Deno.remove(`${dir}/${name}`);
    }
  }));

Deno.test("a shard of an early index needs no provenance", () =>
  withShards(async (dir, encode) => {
    await encode();
    const path = `${dir}/s.index.json`;
    const { provenance: _, arguments: { text: _text, ...early }, ...index } = JSON.parse(await Deno.readTextFile(path));
    await Deno.writeTextFile(path, JSON.stringify({ ...index, arguments: early, shards: [], tokens: null }));
    for (let i = 0; i < 3; i++) await Deno.remove(provenancePath(shardName(`${dir}/s`, i, 3)));
    const made: boolean[] = [];
    const { tokens } = await encode({ onShard: (_name, _tokens, isNew) => made.push(isNew) });
    assertEquals([made, tokens], [[false, false, false], tokenizer.encode(A).length]);
  }));
