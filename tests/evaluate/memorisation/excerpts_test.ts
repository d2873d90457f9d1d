import { assert, assertEquals } from "@std/assert";
import { drawExcerpts, readBlocks } from "../../../lib/evaluate/memorisation/excerpts.ts";
import { Random } from "../../harness/random.ts";

Deno.test("a file is one block, or 64 in order from its start to its end", async () => {
  const path = await Deno.makeTempFile();
  try {
    const all = Uint8Array.from(new Random(2).integers(100_003, 256));
    await Deno.writeFile(path, all);
    assertEquals(await readBlocks(path, all.length), [all]);

    const blocks = await readBlocks(path, 6400);
    assertEquals(blocks.length, 64);
    const text = all.toHex();
    // Random bytes: a block of a hundred is at one place only.
    const places = blocks.map((block) => text.indexOf(block.toHex()) / 2);
    assertEquals([places[0], places[63]], [0, all.length - 100]);
    const gaps = places.slice(1).map((place, i) => place - places[i]);
    assert(gaps.every((gap) => Math.abs(gap - (all.length - 100) / 63) <= 1), gaps.join());
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("excerpts have the lengths asked for, or a whole block's, and depend on the seed alone", () => {
  const blocks = [Uint8Array.from({ length: 50 }, (_, i) => i), Uint8Array.from({ length: 9 }, (_, i) => 100 + i)];
  const lengths = Array.from({ length: 200 }, (_, i) => i % 60);
  const excerpts = drawExcerpts(blocks, lengths, 3);
  assertEquals(drawExcerpts(blocks, lengths, 3), excerpts);
  assert(
    drawExcerpts(blocks, lengths, 4).some((excerpt, i) => excerpt[0] !== excerpts[i][0]),
    "another seed, the same",
  );
  const starts = new Set<number>();
  for (const [i, excerpt] of excerpts.entries()) {
    if (lengths[i] === 0) continue;
    const block = blocks[excerpt[0] < 100 ? 0 : 1];
    assertEquals(excerpt.length, Math.min(lengths[i], block.length));
    assertEquals(excerpt, block.subarray(excerpt[0] % 100, excerpt[0] % 100 + excerpt.length));
    starts.add(excerpt[0]);
  }
  assert(starts.size > 30, `${starts.size} places`);
});
