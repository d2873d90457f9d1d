import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../lib/errors.ts";
import { openHuggingFaceModel } from "../../lib/interchange/huggingface/open_model.ts";
import { huggingFaceArchitecture, writeHuggingFaceModel } from "../../lib/interchange/huggingface/write_model.ts";
import type { ModelConfig } from "../../lib/model/config.ts";
import { parameterSpecs } from "../../lib/model/parameters.ts";
import { HUGGINGFACE_MODELS, withFixture } from "../harness/huggingface_fixtures.ts";

const SHAPE: ModelConfig = {
  vocabSize: 256,
  contextLength: 64,
  dModel: 48,
  numLayers: 2,
  numHeads: 6,
  dFf: 96,
  ropeTheta: 10000,
};

for (const name of HUGGINGFACE_MODELS) {
  Deno.test(`${name}: what is exported is imported again, bit for bit`, () =>
    withFixture(name, async ({ directory }) => {
      using before = await openHuggingFaceModel(directory);
      const architecture = huggingFaceArchitecture(before.config);
      await Deno.mkdir(`${directory}/out`);
      const { config, weights, stopIds } = before;
      await writeHuggingFaceModel(`${directory}/out`, { config, weights, stopIds, tokenizer: undefined }, architecture);
      using after = await openHuggingFaceModel(`${directory}/out`);
      assertEquals(after.config, before.config);
      assertEquals(after.stopIds, before.stopIds);
      for (const { name, shape } of parameterSpecs(config)) {
        assertEquals(await after.weights(name, shape), await before.weights(name, shape), name);
      }
      // Phi-3 without its fused matrices is a Llama, or a Mistral.
      const expected = name === "phi3_fused" ? "llama" : before.architecture;
      assertEquals(after.architecture, expected);
    }));
}

Deno.test("a model that no architecture of transformers expresses is refused, by the part that keeps it from it", () => {
  const cases: [Partial<ModelConfig>, string][] = [
    [{ norm: "none" }, 'got norm "none"'],
    [{ normPlace: "post" }, 'got normPlace "post"'],
    [{ position: "none" }, 'got position "none"'],
    [{ ffn: "silu" }, 'got ffn "silu"'],
    [{ bias: "qkv", qkNorm: "head" }, "got qkNorm"],
    [{ embeddingScale: 3 }, "got embeddingScale 3"],
    [{ logitSoftCap: 30 }, "got logitSoftCap 30"],
    [{ ffn: "swiglu", norm: "rms", scaleEmbeddings: true }, "got scaleEmbeddings true"],
    [{ valueEmbeddings: "alternate" }, 'got valueEmbeddings "alternate"'],
    [{ ffn: "relu_squared" }, 'got ffn "relu_squared"'],
  ];
  for (const [parts, message] of cases) {
    assertThrows(() => huggingFaceArchitecture({ ...SHAPE, ...parts }), UserError, message);
  }
  assertEquals(huggingFaceArchitecture({ ...SHAPE, ffn: "swiglu", norm: "rms", slidingWindow: 64 }), "llama");
  const gemma = { ...SHAPE, ffn: "geglu", norm: "rms", tieEmbeddings: true, scaleEmbeddings: true } as const;
  assertEquals(huggingFaceArchitecture(gemma), "gemma");
  assertThrows(
    () => huggingFaceArchitecture({ ...gemma, ffn: "silu", qkNorm: "head" }),
    UserError,
    "(nor its scaleEmbeddings)",
  );
  assertThrows(() => huggingFaceArchitecture(SHAPE, "gpt2"), UserError, "got norm");
});
