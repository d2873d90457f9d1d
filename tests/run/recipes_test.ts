import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { UserError } from "../../lib/errors.ts";
import { ARCHITECTURE_DEFAULTS, PRESETS } from "../../lib/model/config.ts";
import { mergeConfigs, readConfigFile } from "../../lib/run/merge_config.ts";
import { RECIPE_NAMES } from "../../lib/run/recipes.ts";
import { dropoutFor } from "../../lib/run/repeated_text.ts";
import { TRAINING_DEFAULTS } from "../../lib/train/config.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

Deno.test("the course's recipe is what there is without one, and a configuration does not speak of it", () => {
  for (const preset of Object.keys(PRESETS)) {
    const without = mergeConfigs([{ preset }], 300);
    assertEquals(mergeConfigs([{ recipe: "course", preset }], 300), without);
    assert(!("recipe" in without));
    assertEquals(without.model, { ...PRESETS[preset], ...ARCHITECTURE_DEFAULTS, vocabSize: 300 });
    assertEquals(without.training, TRAINING_DEFAULTS);
  }
});

Deno.test("the course's final rate is a tenth of the peak, however many digits that has", () => {
  fc.assert(fc.property(fc.double({ min: 1e-9, max: 10, noNaN: true }), (lr) => {
    assertEquals(mergeConfigs([{ training: { lr } }], 300).training.minLr, Number((lr / 10).toPrecision(15)));
  }));
});

Deno.test("a recipe gives way to what is given, whichever comes first", () => {
  const given = { model: { qkNorm: "none" }, training: { optimizer: "adamw", minLr: 1e-4 } } as const;
  const before = mergeConfigs([given, { recipe: "modern" }], 300);
  assertEquals(before, mergeConfigs([{ recipe: "modern" }, given], 300));
  assertEquals([before.model.qkNorm, before.training.optimizer, before.training.minLr], ["none", "adamw", 1e-4]);
  assertEquals(before.training.schedule, mergeConfigs([{ recipe: "modern" }], 300).training.schedule);
});

Deno.test("a run's config.json gives the same settings again, and derives the same for another length", async () => {
  await inTemporaryDirectory(async (directory) => {
    for (const recipe of RECIPE_NAMES) {
      const first = mergeConfigs([{ recipe, training: { lr: 1e-3 } }], 300);
      const path = `${directory}/${recipe}.json`;
      const data = { train: { name: "t", tokens: 9, dtype: "uint16", bytes: 18 } };
      await Deno.writeTextFile(path, JSON.stringify({ ...first, data, backend: "wasm" }));
      const parts = await readConfigFile(path, 300);
      assertEquals(mergeConfigs([parts], 300), first);
      const longer = { training: { steps: 7 * first.training.steps } };
      const again = mergeConfigs([parts, longer], 300).training;
      assertEquals(again, mergeConfigs([{ recipe, training: { lr: 1e-3 } }, longer], 300).training);
    }
  });
});

Deno.test("a recipe that there is not is refused by name", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = `${directory}/config.json`;
    await Deno.writeTextFile(path, JSON.stringify({ recipe: "ancient" }));
    await assertRejects(() => readConfigFile(path), UserError, "ancient");
  });
});

Deno.test("dropout grows with the times that a text is read, and there is none up to four", () => {
  assertEquals([0.1, 1, 4, NaN].map(dropoutFor), [0, 0, 0, 0]);
  const rising = [4.1, 8, 16, 40, 1e9, Infinity].map(dropoutFor);
  rising.forEach((rate, i) => assert(rate > 0 && rate < 1 && rate >= (rising[i - 1] ?? 0), `${rising}`));
});
