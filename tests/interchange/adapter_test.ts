import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { UserError } from "../../lib/errors.ts";
import { Safetensors } from "../../lib/formats/safetensors.ts";
import { placeAdapters, writeAdapter } from "../../lib/interchange/huggingface/write_adapter.ts";
import { huggingFaceArchitecture, writeHuggingFaceModel } from "../../lib/interchange/huggingface/write_model.ts";
import { type ModelConfig, PRESETS } from "../../lib/model/config.ts";
import { adapterSpecs, mergedWeights, withAdapters } from "../../lib/model/lora.ts";
import { sizeOf } from "../../lib/model/parameters.ts";
import { initialWeights } from "../../lib/model/weights.ts";
import { assertClose } from "../harness/assert_close.ts";
import { Random } from "../harness/random.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const config: ModelConfig = {
  ...PRESETS.tiny,
  vocabSize: 19,
  dModel: 24,
  numHeads: 3,
  numKeyValueHeads: 1,
  dFf: 20,
  numLayers: 2,
};
const lora = { rank: 3, alpha: 5, targets: ["q_proj", "k_proj", "v_proj", "output_proj", "w1", "w2", "w3"] };

Deno.test("an adapter's file added to the exported base is the exported merged model, row by row", async () => {
  const random = new Random(2);
  const specs = adapterSpecs(config, lora);
  const values = new Map(specs.map((spec) => [spec.name, Float32Array.from(random.normal(sizeOf(spec)))]));
  const base = initialWeights(config, 0);
  const weights = withAdapters(base, (name) => values.get(name)!);
  await inTemporaryDirectory(async (place) => {
    const architecture = huggingFaceArchitecture(config);
    const exported = { config, tokenizer: undefined, stopIds: [] };
    for (const name of ["base", "merged"]) await Deno.mkdir(`${place}/${name}`);
    await writeHuggingFaceModel(`${place}/base`, { ...exported, weights: base }, architecture);
    const merged = mergedWeights(weights, specs, 5 / 3);
    await writeHuggingFaceModel(`${place}/merged`, { ...exported, weights: merged }, architecture);
    await writeAdapter(place, config, lora, weights);

    using before = await Safetensors.open(`${place}/base/model.safetensors`);
    using after = await Safetensors.open(`${place}/merged/model.safetensors`);
    using adapter = await Safetensors.open(`${place}/adapter_model.safetensors`);
    let adapted = 0;
    for (const [name, { shape: [out, from] }] of before.tensors) {
      const expected = Float64Array.from(before.readFloats(name));
      const stem = `base_model.model.${name.replace(/\.weight$/, "")}`;
      if (adapter.tensors.has(`${stem}.lora_A.weight`)) {
        adapted++;
        const [a, b] = [adapter.readFloats(`${stem}.lora_A.weight`), adapter.readFloats(`${stem}.lora_B.weight`)];
        assertEquals(adapter.tensors.get(`${stem}.lora_B.weight`)!.shape, [out, 3]);
        for (let o = 0; o < out; o++) {
          for (let i = 0; i < from; i++) {
            for (let r = 0; r < 3; r++) expected[o * from + i] += 5 / 3 * b[o * 3 + r] * a[r * from + i];
          }
        }
      }
      assertClose(after.readFloats(name), expected, { absolute: 1e-6, relative: 1e-6 }, name);
    }
    assertEquals([adapted, adapter.tensors.size], [14, 28]);
    const settings = JSON.parse(await Deno.readTextFile(`${place}/adapter_config.json`)) as Record<string, unknown>;
    assertEquals(settings.target_modules, [
      "q_proj",
      "k_proj",
      "v_proj",
      "o_proj",
      "gate_proj",
      "up_proj",
      "down_proj",
    ]);
    assertEquals([settings.peft_type, settings.r, settings.lora_alpha], ["LORA", 3, 5]);
  });
});

Deno.test("an adapter that transformers has no matrix for is refused by its name", async () => {
  const gpt2: ModelConfig = {
    ...config,
    numKeyValueHeads: 3,
    norm: "layer",
    position: "learned",
    ffn: "gelu",
    bias: "all",
    tieEmbeddings: true,
  };
  const message = "got layers.0.attn.q_proj, which transformers keeps in transformer.h.0.attn.c_attn.weight";
  assertThrows(() => placeAdapters(gpt2, { rank: 1 }), UserError, message);
  const none: ModelConfig = { ...config, ffn: "relu_squared" };
  await assertRejects(() => writeAdapter(".", none, { rank: 1 }, initialWeights(none, 0)), UserError, "transformers");
});
