import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { type ModelConfig, PRESETS, validateModelConfig } from "../../lib/model/config.ts";
import { parameterSpecs, sizeOf } from "../../lib/model/parameters.ts";

const tiny: ModelConfig = { vocabSize: 300, ...PRESETS.tiny };
const SIZES = ["vocabSize", "contextLength", "dModel", "numLayers", "numHeads", "dFf"] as const;

Deno.test("a shape that passes has few enough parameters to be listed, and counted by 32 bits", () => {
  const size = fc.oneof(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 0, max: 24 }).map((power) => 2 ** power));
  const shape = fc.record(
    Object.fromEntries(SIZES.map((key) => [key, size])) as Record<typeof SIZES[number], typeof size>,
  );
  let passed = 0;
  fc.assert(
    fc.property(shape, fc.boolean(), (sizes, tieEmbeddings) => {
      const config: ModelConfig = { ...sizes, ropeTheta: 10_000, tieEmbeddings };
      try {
        validateModelConfig(config);
      } catch (error) {
        assert(error instanceof RangeError && /^Cannot build the model: got .+, must be /.test(error.message));
        return;
      }
      passed++;
      const elements = parameterSpecs(config).reduce((sum, spec) => sum + Math.ceil(sizeOf(spec) / 64) * 64, 0);
      assert(elements < 2 ** 32 && config.contextLength * config.dModel < 2 ** 32, JSON.stringify(config));
    }),
    { seed: 1, numRuns: 2000 },
  );
  assert(passed > 50, `${passed} of 2000 shapes were possible`);
});

Deno.test("a shape that is too large is refused by the name of what makes it so", () => {
  for (const [key, value] of [["numLayers", 2 ** 31], ["vocabSize", 2 ** 31], ["dFf", 2 ** 31], ["dModel", 2 ** 20]]) {
    assertThrows(() => validateModelConfig({ ...tiny, [key]: value }), RangeError, `got ${key} ${value}`);
  }
  assertThrows(
    () => validateModelConfig({ ...tiny, contextLength: 2 ** 31 }),
    RangeError,
    "got contextLength 2147483648",
  );
  for (const preset of Object.values(PRESETS)) {
    const config = { vocabSize: 50_257, ...preset };
    assertEquals(validateModelConfig(config), config);
  }
});
