import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { planShards } from "../../../lib/corpus/encode/shard_plan.ts";
import type { TextInput } from "../../../lib/corpus/text_inputs.ts";
import { UserError } from "../../../lib/errors.ts";
import { SpecialTokens } from "../../../lib/tokenizer/pretokenize/special_tokens.ts";

const specials = new SpecialTokens([]);

/** Sizes of the packed files, in bytes: each from 1 to this. */
const MAX_BYTES = 20;

/** Runs `body` with a way to make packed inputs, which are cut nowhere: all of one size are one file. */
async function withPacked(body: (packed: (sizes: readonly number[]) => TextInput[]) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    for (let bytes = 1; bytes <= MAX_BYTES; bytes++) await Deno.writeFile(`${dir}/${bytes}.gz`, new Uint8Array(bytes));
    await body((sizes) =>
      sizes.map((bytes) => ({ path: `${dir}/${bytes}.gz`, bytes, isGzip: true, isJsonLines: false }))
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("planShards() gives every input to one shard, in order, for any sizes and number of shards", () =>
  withPacked(async (packed) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: MAX_BYTES }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 20 }),
        async (sizes, numShards) => {
          const inputs = packed(sizes);
          const shards = await planShards(inputs, { numShards }, specials);
          assertEquals(shards.length, numShards);
          assertEquals(shards.flat(), inputs.map((input, i) => ({ input, start: 0, end: sizes[i] })));
          const total = sizes.reduce((sum, bytes) => sum + bytes, 0);
          // A shard ends with the input that its share of the bytes ends in.
          let before = 0;
          for (const [i, parts] of shards.slice(0, -1).entries()) {
            before += parts.reduce((sum, { end }) => sum + end, 0);
            const target = Math.round(total * (i + 1) / numShards);
            assert(before >= target && before < target + 20, `${before}, not ${target}`);
          }
        },
      ),
      { seed: 6, numRuns: 300 },
    );
  }));

/** How often inputs are looked at while shards of them are planned. */
async function looksAt(packed: readonly TextInput[]): Promise<number> {
  let looks = 0;
  const inputs = new Proxy(packed, {
    get(target, key, receiver) {
      if (typeof key === "string" && /^\d+$/.test(key)) looks++;
      return Reflect.get(target, key, receiver);
    },
  });
  await planShards(inputs, { numShards: packed.length }, specials);
  return looks;
}

Deno.test("planShards() does not go through all inputs for each shard", () =>
  withPacked(async (packed) => {
    const few = await looksAt(packed(new Array<number>(100).fill(10)));
    const many = await looksAt(packed(new Array<number>(400).fill(10)));
    assert(many < 6 * few, `${few} looks at 100 inputs, ${many} at 400`);
  }));

Deno.test("planShards() refuses a text or a line that goes on for too long, instead of holding it", async () => {
  const dir = await Deno.makeTempDir();
  try {
    for (
      const [name, bytes, says] of [["a.txt", 100 << 20, "more than 16 MiB from byte"], [
        "a.jsonl",
        400 << 20,
        "line end",
      ]] as const
    ) {
      const path = `${dir}/${name}`;
      // A file of NULs that takes no room.
      await Deno.writeTextFile(path, "");
      await Deno.truncate(path, bytes);
      const input = { path, bytes, isGzip: false, isJsonLines: name === "a.jsonl" };
      await assertRejects(() => planShards([input], { numShards: 20 }, specials), UserError, says);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
