import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { TRAINING_DEFAULTS, type TrainingConfig, validateTrainingConfig } from "../../lib/train/config.ts";

const NUMBERS = Object.entries(TRAINING_DEFAULTS).flatMap(([key, value]) => typeof value === "number" ? [key] : []);

Deno.test("no number passes that JSON or a float32 cannot hold", () => {
  const odd = fc.oneof(
    fc.constantFrom(NaN, Infinity, -Infinity, 1e39, -1e39, 1e308, 1e-45, 1e-50, 2 ** 53, 1 - 1e-12),
    fc.double(),
  );
  fc.assert(
    fc.property(fc.constantFrom(...NUMBERS), odd, (key, some) => {
      // JSON has one zero.
      const value = some + 0;
      // The bound of minLr is what it is compared with; this way it is not what is refused.
      const config: TrainingConfig = { ...TRAINING_DEFAULTS, minLr: 0, [key]: value };
      try {
        validateTrainingConfig(config);
      } catch (error) {
        assert(error instanceof RangeError && error.message.includes(`got ${key} ${value}, must be`), String(error));
        return;
      }
      assertEquals(JSON.parse(JSON.stringify(config)), config);
      const single = Math.fround(value);
      assert(Number.isFinite(single) || Number.isInteger(value), `${key} ${value} is infinite as a float32`);
      if (key === "lr" || key === "eps") assert(single > 0, `${key} ${value} is 0 as a float32`);
      if (key.startsWith("beta")) assert(single < 1, `${key} ${value} is 1 as a float32`);
      if (key === "clip" && value !== 0) assert(single > 0, `${key} ${value} is 0 as a float32`);
    }),
    { seed: 1, numRuns: 2000 },
  );
});

Deno.test("a clipping norm of 0 stands for none; what is no number at all is named", () => {
  assertEquals(validateTrainingConfig({ ...TRAINING_DEFAULTS, clip: 0 }).clip, 0);
  for (const key of NUMBERS) {
    for (const value of [null, "1", true, [1]]) {
      const config = { ...TRAINING_DEFAULTS, [key]: value };
      assertThrows(() => validateTrainingConfig(config), RangeError, `got ${key} ${JSON.stringify(value)}, must be`);
    }
  }
});
