import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { encodeShards } from "../../lib/corpus/encode/encode_shards.ts";
import { provenancePath } from "../../lib/dataset/provenance.ts";
import { openTokens } from "../../lib/dataset/sharded_tokens.ts";
import { expandInputs } from "../../lib/corpus/expand_inputs.ts";

import { UserError } from "../../lib/errors.ts";
import { trainBpe } from "../../lib/tokenizer/mod.ts";

const TEXT = "the cat sat on the mat, the dog sat on the log. ".repeat(20);
const tokenizer = await trainBpe(TEXT, { vocabSize: 265 });

/** What may happen to a file's bytes: some are changed, inserted or lost. */
const damage = fc.array(
  fc.record({
    // Mostly near the beginning, where headers are.
    at: fc.oneof(fc.nat(200), fc.nat(5000)),
    removed: fc.oneof({ weight: 3, arbitrary: fc.nat(3) }, fc.nat(4000)),
    inserted: fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc.constantFrom(
        '"',
        "{",
        "}",
        "[",
        "]",
        "null",
        "-1",
        "1e999",
        "0",
        "../",
        "\\u0000",
        "true",
        ",",
        ":",
        "'",
        "(",
        ")",
        "8",
      )
        .map((text) => new TextEncoder().encode(text)),
    ),
  }),
  { minLength: 1, maxLength: 4 },
);

function damaged(bytes: Uint8Array, changes: typeof damage extends fc.Arbitrary<infer T> ? T : never): Uint8Array {
  let result = [...bytes];
  for (const { at, removed, inserted } of changes) {
    const place = at % (result.length + 1);
    result = [...result.slice(0, place), ...inserted, ...result.slice(place + removed)];
  }
  return Uint8Array.from(result);
}

/** What a value of a JSON file may be instead. */
const other = fc.oneof(
  fc.constantFrom(null, -1, 0, 1e300, 1.5, "", "..", "/", "x.npy", true, [], {}, [null], { name: 1 }),
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<unknown>,
);

/** JSON with the value at some place replaced, or lost, or with a key more. */
function changedJson(value: unknown, path: number, to: unknown): unknown {
  if (typeof value !== "object" || value === null) return to;
  const keys = Object.keys(value);
  const choice = path % (keys.length + 2);
  if (choice === keys.length) return to;
  if (choice === keys.length + 1) return { ...value, extra: to };
  const key = keys[choice];
  const below = changedJson((value as Record<string, unknown>)[key], Math.floor(path / (keys.length + 2)), to);
  return Array.isArray(value) ? value.with(choice, below) : { ...value, [key]: below };
}

Deno.test("a damaged token file, index or account of its origin is read right or refused in one line", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/a.txt`, TEXT);
    await encodeShards(tokenizer, await expandInputs([`${dir}/a.txt`]), `${dir}/t`, { size: { numShards: 2 } });
    const shard = `${dir}/t-00000-of-00002.npy`;
    const index = `${dir}/t.index.json`;
    const bare = `${dir}/bare.npy`;
    await Deno.copyFile(shard, bare);
    let refused = 0;
    const check = async (path: string, content: Uint8Array) => {
      const original = await Deno.readFile(path);
      await Deno.writeFile(path, content);
      try {
        for (const opened of [shard, index, bare]) {
          using tokens = await openTokens(opened);
          await tokens.read(0, tokens.length);
        }
      } catch (error) {
        assert(error instanceof UserError, `${path}: ${(error as Error).stack}`);
        assert(/^Cannot .+: .{15,}/.test(error.message) && error.message.length < 1000, error.message);
        // deno-lint-ignore no-control-regex
        assert(!/[\x00-\x1f]/.test(error.message), error.message);
        refused++;
      } finally {
        await Deno.writeFile(path, original);
      }
    };
    const files = [bare, shard, index, provenancePath(shard)];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...files), damage, async (path, changes) => {
        await check(path, damaged(await Deno.readFile(path), changes));
      }),
      { seed: 8, numRuns: 600 },
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...files.slice(2)), fc.nat(), other, async (path, place, to) => {
        const value = changedJson(JSON.parse(await Deno.readTextFile(path)), place, to);
        await check(path, new TextEncoder().encode(JSON.stringify(value)));
      }),
      { seed: 9, numRuns: 600 },
    );
    assertEquals(refused > 600, true, `${refused} refused`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
