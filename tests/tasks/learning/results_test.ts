import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  addResult,
  formatSummaries,
  type LearningResult,
  readResults,
  summarise,
} from "../../../tasks/bench/learning/results.ts";
import { trainMissing } from "../../../tasks/bench/learning/train_missing.ts";
import { NANOGPT, type Variant } from "../../../tasks/bench/learning/variants.ts";
import { inTemporaryDirectory } from "../../harness/temporary_directory.ts";

const PLAIN: Variant = { name: "plain", flags: [] };
const MUON: Variant = { name: "muon", flags: ["--optimizer", "muon"] };
const CONFIGURED: Variant = { name: "configured", flags: [], config: { recipe: "modern" } };

function resultOf(variant: Variant, seed: number, bitsPerByte = 2): LearningResult {
  return { ...variant, length: "3 minutes", seed, bitsPerByte, seconds: 180, steps: 9, tokens: 900, parameters: 5000 };
}

Deno.test("results come back in their order; a last line that was cut short is left out, and replaced", () =>
  inTemporaryDirectory(async (directory) => {
    const path = `${directory}/results.jsonl`;
    assertEquals(await readResults(path), []);
    const results = [resultOf(PLAIN, 0), resultOf(CONFIGURED, 0), resultOf(MUON, 1)];
    for (const result of results) await addResult(path, result);
    assertEquals(await readResults(path), results);
    const whole = await Deno.readTextFile(path);
    const lastLine = whole.lastIndexOf("\n", whole.length - 2) + 1;
    for (const length of [lastLine, lastLine + 1, Math.floor((lastLine + whole.length) / 2), whole.length - 1]) {
      await Deno.writeTextFile(path, whole.slice(0, length));
      assertEquals(await readResults(path), results.slice(0, 2), `cut to ${length} of ${whole.length}`);
    }
    await addResult(path, results[2]);
    assertEquals(await Deno.readTextFile(path), whole);
  }));

Deno.test("going on trains what has no result, seeds before variants, and nothing twice", () =>
  inTemporaryDirectory(async (directory) => {
    const path = `${directory}/results.jsonl`;
    const trained: string[] = [];
    const go = (variants: readonly Variant[], seeds: number, length = "3 minutes", failAt = Infinity) =>
      trainMissing({
        variants,
        seeds,
        length,
        path,
        train: async (variant, seed) => {
          if (trained.length === failAt) throw new Error("stopped");
          trained.push(`${variant.name} ${seed} ${length}`);
          return await Promise.resolve({ ...resultOf(variant, seed), length });
        },
      });
    const taken = () => trained.splice(0);
    await assertRejects(() => go([PLAIN, MUON], 2, "3 minutes", 3), Error, "stopped");
    assertEquals(taken(), ["plain 0 3 minutes", "muon 0 3 minutes", "plain 1 3 minutes"]);
    assertEquals((await go([PLAIN, MUON], 2)).map((group) => group.map(({ seed }) => seed)), [[0, 1], [0, 1]]);
    assertEquals(taken(), ["muon 1 3 minutes"]);
    await go([PLAIN, MUON], 2);
    // Its flags are those of another, but another program trains it.
    await go([PLAIN, CONFIGURED, NANOGPT], 1);
    assertEquals(taken(), ["configured 0 3 minutes", `${NANOGPT.name} 0 3 minutes`]);
    await go([{ ...MUON, name: "renamed" }], 3);
    assertEquals(taken(), ["renamed 2 3 minutes"]);
    await go([PLAIN], 1, "5 steps");
    assertEquals(taken(), ["plain 0 5 steps"]);
    assertEquals((await go([PLAIN, NANOGPT], 1)).map((group) => group.map(({ length, script }) => [length, script])), [
      [["3 minutes", undefined]],
      [["3 minutes", NANOGPT.script]],
    ]);
  }));

Deno.test("summaries compare each variant with the first; one without results is left out", () => {
  const group = (variant: Variant, ...bits: number[]) => bits.map((value, seed) => resultOf(variant, seed, value));
  const summaries = summarise([group(PLAIN, 1, 2, 3), [], group(MUON, 1, 1, 1), group(NANOGPT, 4)]);
  assertEquals(summaries.map(({ name, n, mean }) => [name, n, mean]), [
    ["plain", 3, 2],
    ["muon", 3, 1],
    [NANOGPT.name, 1, 4],
  ]);
  assert(!("p" in summaries[0]) && !("difference" in summaries[0]));
  assertEquals([summaries[1].difference, summaries[2].difference, summaries[2].p], [-1, 2, NaN]);
  const lines = formatSummaries(summaries).split("\n");
  assertMatch(lines.find((line) => line.startsWith("muon"))!, /3 +1\.0000 +0\.0000 +−1\.0000 +0\.\d{3} /);
  // What one training cannot tell is left empty.
  assert(!/NaN|undefined/.test(lines.join()), lines.join("\n"));
});
