import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { openTokens } from "../../lib/dataset/sharded_tokens.ts";
import { Random } from "../harness/random.ts";

const IDS = new Random(3).integers(600_000, 2 ** 20);
const SHARDS = [300_000, 1, 290_000, 9_999];

/** The same ids as one file, and as shards. */
async function withSources(body: (paths: readonly string[]) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await writeNpy(`${dir}/all.npy`, IDS);
    const shards: { name: string; tokens: number }[] = [];
    let at = 0;
    for (const [i, tokens] of SHARDS.entries()) {
      const name = `all-0000${i}-of-00004.npy`;
      await writeNpy(`${dir}/${name}`, IDS.subarray(at, at += tokens));
      shards.push({ name, tokens });
    }
    const index = { arguments: {}, dtype: "uint32", numShards: SHARDS.length, shards, tokens: IDS.length };
    await Deno.writeTextFile(`${dir}/all.index.json`, JSON.stringify(index));
    await body([`${dir}/all.npy`, `${dir}/all.index.json`]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Windows as training draws them, and ranges long enough to be read in several pieces. */
const ranges = fc.array(
  fc.tuple(fc.nat(IDS.length), fc.oneof({ weight: 9, arbitrary: fc.nat(600) }, fc.nat(IDS.length))).map((
    [start, length],
  ) => [start, Math.min(IDS.length, start + length)] as const),
  { minLength: 2, maxLength: 40 },
);

Deno.test("reads that run at once each give what they would alone", () =>
  withSources(async (paths) => {
    for (const path of paths) {
      using tokens = await openTokens(path);
      await fc.assert(
        fc.asyncProperty(ranges, async (ranges) => {
          const read = await Promise.all(ranges.map(([start, end]) => tokens.read(start, end)));
          for (const [i, [start, end]] of ranges.entries()) {
            assert(equal(read[i], IDS.subarray(start, end)), `ids ${start} to ${end} of ${path}`);
          }
        }),
        { seed: 4, numRuns: 40 },
      );
    }
  }));

Deno.test("a reader that is closed while it is read gives right ids or says that it was closed", () =>
  withSources(async (paths) => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), ranges, fc.nat(3), async (path, ranges, turns) => {
        const tokens = await openTokens(path);
        const reads = Promise.allSettled(ranges.map(([start, end]) => tokens.read(start, end)));
        for (let turn = 0; turn < turns; turn++) await Promise.resolve();
        tokens.close();
        for (const [i, result] of (await reads).entries()) {
          if (result.status === "fulfilled") assert(equal(result.value, IDS.subarray(...ranges[i])), path);
          else assertEquals(/got a file that was closed/.test(String(result.reason)), true, String(result.reason));
        }
      }),
      { seed: 5, numRuns: 40 },
    );
  }));

function equal(a: Uint16Array | Uint32Array, b: Uint32Array): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}
