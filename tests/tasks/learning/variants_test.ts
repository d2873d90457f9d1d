import { assert, assertEquals, assertThrows } from "@std/assert";
import { withDefaults } from "../../../lib/model/architecture.ts";
import { type ConfigParts, mergeConfigs, readConfigFile } from "../../../lib/run/merge_config.ts";
import { RECIPES } from "../../../lib/run/recipes.ts";
import { leftOutVariants, parseVariants } from "../../../tasks/bench/learning/variants.ts";
import { UsageError } from "../../../tasks/cli/errors.ts";
import { inTemporaryDirectory } from "../../harness/temporary_directory.ts";

Deno.test("a variant is a name, a colon and flags", () => {
  assertEquals(parseVariants(["plain:", " muon, tiny :  --preset tiny\n--lr  1e-3 ", "a: --from x:y"]), [
    { name: "plain", flags: [] },
    { name: "muon, tiny", flags: ["--preset", "tiny", "--lr", "1e-3"] },
    { name: "a", flags: ["--from", "x:y"] },
  ]);
  for (const text of ["", "--preset tiny", ": --preset tiny"]) {
    assertThrows(() => parseVariants([text]), UsageError, "must be a name, a colon and train-lm's flags");
  }
});

Deno.test("each setting of the modern recipe is left out once, and is then as in the course's, the others as they were", async () => {
  const modern = settingsOf({ recipe: "modern" });
  const course = settingsOf({ recipe: "course" });
  const [whole, ...others] = leftOutVariants();
  assertEquals(whole.flags, ["--recipe", "modern"]);
  const settings = (["model", "training"] as const).flatMap((part) =>
    Object.keys(RECIPES.modern[part]).map((key) => ({ part, key }))
  );
  const configured = others.filter(({ config }) => config !== undefined);
  assertEquals(configured.length, settings.length);
  assertEquals(new Set(others.map(({ name }) => name)).size, others.length);
  await inTemporaryDirectory(async (directory) => {
    const path = `${directory}/config.json`;
    const seen = [];
    for (const { config, name } of configured) {
      // As train-lm reads it.
      await Deno.writeTextFile(path, JSON.stringify(config));
      const merged = settingsOf(await readConfigFile(path, 300));
      const different = settings.filter(({ part, key }) => !isSame(merged[part][key], modern[part][key]));
      assertEquals(different.length, 1, name);
      const [{ part, key }] = different;
      assert(!isSame(modern[part][key], course[part][key]), `${key} is the same in both recipes`);
      assert(isSame(merged[part][key], course[part][key]), `${name}: ${key} is ${merged[part][key]}`);
      seen.push(key);
    }
    assertEquals(seen.sort(), settings.map(({ key }) => key).sort());
  });
});

/** Settings by their names. */
function settingsOf(parts: ConfigParts): Record<"model" | "training", Record<string, unknown>> {
  const { model, training } = mergeConfigs([parts], 300);
  return { model: { ...withDefaults(model) }, training: { ...training } };
}

/** A switch that is absent is off. */
function isSame(a: unknown, b: unknown): boolean {
  return (a ?? false) === (b ?? false);
}
