import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { gzipSync } from "node:zlib";
import { encodeShards, type EncodeShardsOptions } from "../../../lib/corpus/encode/encode_shards.ts";
import { readNpy } from "../../../lib/dataset/npy_file.ts";
import { shardName } from "../../../lib/dataset/shard_files.ts";
import { planShards } from "../../../lib/corpus/encode/shard_plan.ts";
import { expandInputs } from "../../../lib/corpus/expand_inputs.ts";
import { UserError } from "../../../lib/errors.ts";
import { SpecialTokens } from "../../../lib/tokenizer/pretokenize/special_tokens.ts";
import { Tokenizer } from "../../../lib/tokenizer/tokenizer.ts";
import { trainBpe } from "../../../lib/corpus/train_bpe.ts";
import { hostileBytes, SPECIALS } from "../../tokenizer/arbitraries.ts";
import { inTemporaryDirectory } from "../../harness/temporary_directory.ts";

const tokenizer = await trainBpe("the cat sat on the mat, don't they'll 's <|end|> 0719 éß 你好 ".repeat(20), {
  vocabSize: 290,
  specialTokens: SPECIALS,
});
const names = (dir: string) => Array.from(Deno.readDirSync(dir), ({ name }) => name).sort();

async function allIds(prefix: string, numShards: number): Promise<number[]> {
  const shards = Array.from({ length: numShards }, (_, i) => readNpy(shardName(prefix, i, numShards)));
  return (await Promise.all(shards)).flatMap((ids) => [...ids]);
}

Deno.test("shards hold the ids of the files encoded whole, for any text, size and way to treat specials", () =>
  inTemporaryDirectory((dir) =>
    fc.assert(
      fc.asyncProperty(
        fc.array(hostileBytes.filter((bytes) => bytes.length > 0), { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 60 }),
        fc.boolean(),
        fc.boolean(),
        async (texts, size, byNumber, asText) => {
          // Not by expandInputs(), which finds some of these binary.
          const inputs = await Promise.all(texts.map(async (bytes, i) => {
            await Deno.writeFile(`${dir}/${i}.txt`, bytes);
            return { path: `${dir}/${i}.txt`, bytes: bytes.length, isGzip: false, isJsonLines: false };
          }));
          const specials = asText ? "text" : "special";
          const { numShards, tokens } = await encodeShards(tokenizer, inputs, `${dir}/out`, {
            size: byNumber ? { numShards: size } : { shardBytes: size },
            specials,
            separatorId: 1,
            replace: true,
          });
          const expected = texts.flatMap((bytes) => [...tokenizer.encode(bytes, { specials }), 1]);
          assertEquals(await allIds(`${dir}/out`, numShards), expected);
          assertEquals(tokens, expected.length);
          if (byNumber) assertEquals(numShards, size);
        },
      ),
      { seed: 5, numRuns: 60 },
    )
  ));

Deno.test("shards of text with spaces are of like size; packed files and JSON Lines are cut only between texts", () =>
  inTemporaryDirectory(async (dir) => {
    const specials = new SpecialTokens([]);
    await Deno.mkdir(`${dir}/in`);
    await Deno.writeTextFile(`${dir}/in/a.txt`, "some words to cut between ".repeat(4000));
    const [plain] = await expandInputs([`${dir}/in/a.txt`]);
    for (const parts of await planShards([plain], { numShards: 4 }, specials)) {
      assertEquals(parts.length, 1);
      // A cut is looked for in a window of 16 KiB.
      assert(Math.abs(parts[0].end - parts[0].start - 26_000) <= 1 << 14);
    }
    const texts = Array.from({ length: 500 }, (_, i) => `text number ${i}\nsecond line`);
    const lines = texts.map((text) => `${JSON.stringify({ text })}\n`).join("");
    await Deno.writeTextFile(`${dir}/in/b.jsonl`, lines);
    await Deno.writeFile(`${dir}/in/c.jsonl.gz`, new Uint8Array(gzipSync(lines)));
    const inputs = await expandInputs([`${dir}/in`]);
    assertEquals(inputs.map(({ path }) => path.slice(-5)), ["a.txt", "jsonl", "nl.gz"]);
    const { numShards } = await encodeShards(tokenizer, inputs, `${dir}/all`, {
      size: { shardBytes: 10_000 },
      separatorId: 1,
    });
    const expected = ["some words to cut between ".repeat(4000), ...texts, ...texts].flatMap((text) => [
      ...tokenizer.encode(text),
      1,
    ]);
    assertEquals(await allIds(`${dir}/all`, numShards), expected);
    assert(numShards > 10);
  }));

Deno.test("encoding again makes what is missing, and only that; other arguments are refused", () =>
  inTemporaryDirectory(async (dir) => {
    await Deno.writeTextFile(`${dir}/a.txt`, "the cat sat on the mat. ".repeat(10_000));
    const inputs = await expandInputs([`${dir}/a.txt`]);
    const made: string[] = [];
    const run = (options: Partial<EncodeShardsOptions> = {}, from = tokenizer) =>
      encodeShards(from, inputs, `${dir}/out`, {
        size: { shardBytes: 50_000 },
        onShard: (name, _, isNew) => isNew ? made.push(name) : undefined,
        ...options,
      });
    const stop = new AbortController();
    const cut = run({ signal: stop.signal, onShard: () => made.push("") === 2 && stop.abort(new Error("cut off")) });
    await assertRejects(() => cut, Error, "cut off");
    const shards = ["out-00000-of-00005.npy", "out-00001-of-00005.npy"];
    const withProvenance = shards.flatMap((name) => [name, `${name}.provenance.json`]);
    assertEquals(names(dir), ["a.txt", ...withProvenance, "out.index.json"]);
    assertEquals(JSON.parse(await Deno.readTextFile(`${dir}/out.index.json`)).shards, []);
    made.length = 0;
    const index = await run();
    assertEquals(made.map((name) => name.slice(-19)), ["2", "3", "4"].map((i) => `-0000${i}-of-00005.npy`));
    assertEquals(JSON.parse(await Deno.readTextFile(`${dir}/out.index.json`)), index);
    assertEquals(index.shards.length, 5);
    const expected = [...tokenizer.encode(await Deno.readTextFile(`${dir}/a.txt`))];
    assertEquals(await allIds(`${dir}/out`, 5), expected);
    await Deno.remove(`${dir}/out-00003-of-00005.npy`);
    made.length = 0;
    assertEquals(await run(), index);
    assertEquals(made.length, 1);
    await assertRejects(() => run({ size: { shardBytes: 60_000 } }), UserError, "got another size");
    await assertRejects(() => run({ specials: "text" }), UserError, "got another specials");
    const { merges, ...rest } = tokenizer.vocabulary;
    const other = new Tokenizer({ ...rest, merges: merges.subarray(3) });
    await assertRejects(() => run({}, other), UserError, "got another tokenizer");
    assertEquals((await run({ specials: "text", replace: true })).tokens, expected.length);
  }));

Deno.test("machines that make one shard each come to the same files as one that makes all", () =>
  inTemporaryDirectory(async (dir) => {
    await Deno.writeTextFile(`${dir}/a.txt`, "the cat sat on the mat. ".repeat(1000));
    const inputs = await expandInputs([`${dir}/a.txt`]);
    const all = await encodeShards(tokenizer, inputs, `${dir}/all`, { size: { numShards: 3 } });
    await Promise.all(
      [2, 0, 1].map((only) => encodeShards(tokenizer, inputs, `${dir}/each`, { size: { numShards: 3 }, only })),
    );
    assertEquals(await allIds(`${dir}/each`, 3), await allIds(`${dir}/all`, 3));
    const index = JSON.parse(await Deno.readTextFile(`${dir}/each.index.json`));
    assertEquals(index.tokens, all.tokens);
    const stream = [{ path: "-", isGzip: false, isJsonLines: false }];
    await assertRejects(
      () => encodeShards(tokenizer, stream, `${dir}/x`, { size: { numShards: 2 } }),
      UserError,
      "Cannot divide standard input",
    );
  }));
