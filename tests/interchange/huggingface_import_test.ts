// What is refused of other libraries' models, and how; and what all of their forms have in common.
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UserError } from "../../lib/errors.ts";
import { Safetensors, type TensorToWrite, writeSafetensors } from "../../lib/formats/safetensors.ts";
import { openHuggingFaceModel } from "../../lib/interchange/huggingface/open_model.ts";
import { exists } from "../../lib/io/exists.ts";
import { parameterSpecs } from "../../lib/model/parameters.ts";
import { importModel } from "../../lib/run/import_model.ts";
import { assertClose } from "../harness/assert_close.ts";
import { copyFixture, HUGGINGFACE_MODELS, withFixture } from "../harness/huggingface_fixtures.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

type Json = Record<string, unknown>;

async function editConfig(directory: string, change: (config: Json) => Json): Promise<void> {
  const path = `${directory}/config.json`;
  await Deno.writeTextFile(path, JSON.stringify(change(JSON.parse(await Deno.readTextFile(path)))));
}

/** Writes a model's weights again, with some tensors changed. */
async function editTensors(directory: string, change: (tensors: TensorToWrite[]) => TensorToWrite[]): Promise<void> {
  const path = `${directory}/model.safetensors`;
  using file = await Safetensors.open(path);
  const tensors = [...file.tensors.values()].map(({ name, shape }) => ({
    name,
    dtype: "F32" as const,
    shape,
    data: file.readFloats(name),
  }));
  await writeSafetensors(path, change(tensors));
}

async function weightsOf(directory: string): Promise<Map<string, Float32Array>> {
  using model = await openHuggingFaceModel(directory);
  const weights = new Map<string, Float32Array>();
  for (const { name, shape } of parameterSpecs(model.config)) {
    weights.set(name, (await model.weights(name, shape)).slice());
  }
  return weights;
}

Deno.test("the keys of transformers 4 mean what those of 5 do", async () => {
  const before: Record<string, Json> = {
    llama_gqa_tied: { rope_theta: 100000, rope_scaling: null, head_dim: undefined, torch_dtype: "float32" },
    llama32_rope_scaling: {
      rope_theta: 500000,
      rope_scaling: {
        type: "llama3",
        factor: 32,
        high_freq_factor: 4,
        low_freq_factor: 1,
        original_max_position_embeddings: 16,
      },
    },
    qwen2: { rope_theta: 1e6, layer_types: undefined, sliding_window: 4096 },
    gemma: { rope_theta: 10000, tie_word_embeddings: undefined, hidden_act: "gelu" },
    gpt2: { n_ctx: 64, tie_word_embeddings: undefined },
    gpt_neox: { rotary_pct: 0.25, rotary_emb_base: 10000 },
  };
  for (const [name, changes] of Object.entries(before)) {
    await withFixture(name, async ({ directory }) => {
      using now = await openHuggingFaceModel(directory);
      await editConfig(directory, (config) => ({ ...config, rope_parameters: undefined, ...changes }));
      using then = await openHuggingFaceModel(directory);
      assertEquals(then.config, now.config, name);
    });
  }
});

Deno.test("shards of bfloat16 hold the weights, rounded, of the file of float32", async () => {
  await withFixture("llama_gqa_tied", async ({ directory }) => {
    await copyFixture("llama_gqa_tied_bf16_sharded", `${directory}/sharded`);
    const sharded = await weightsOf(`${directory}/sharded`);
    for (const [name, values] of await weightsOf(directory)) {
      // bfloat16 has 8 significant bits.
      assertClose(sharded.get(name)!, values, { relative: 2 ** -8 }, name);
    }
    using model = await openHuggingFaceModel(`${directory}/sharded`);
    assertEquals(model.files.length, 2);
  });
});

Deno.test("a directory may leave out the prefix of its tensors' names", async () => {
  await withFixture("gpt2", async ({ directory }) => {
    const full = await weightsOf(directory);
    await editTensors(directory, (tensors) => [
      ...tensors.map((tensor) => ({ ...tensor, name: tensor.name.replace("transformer.", "") })),
      // A mask, which releases of GPT-2 have.
      { name: "h.0.attn.bias", dtype: "F32", shape: [1, 1, 2, 2], data: new Float32Array(4) },
    ]);
    assertEquals(await weightsOf(directory), full);
  });
});

Deno.test("a key that is not known, or not supported, is refused by its name", async () => {
  const cases: [model: string, changes: Json, message: string][] = [
    ["llama_gqa_tied", { model_type: "mamba" }, `got "model_type" "mamba", must be one of llama, mistral`],
    ["llama_gqa_tied", { architectures: ["LlamaForSequenceClassification"] }, `got "architectures"`],
    ["llama_gqa_tied", { no_rope_layers: [1] }, `got "no_rope_layers" [1], must be absent: it is not known`],
    ["llama_gqa_tied", { hidden_act: "relu" }, `got "hidden_act" "relu", must be one of silu`],
    ["llama_gqa_tied", { mlp_bias: true }, `got "mlp_bias" true, must be false where attention_bias is`],
    ["llama_gqa_tied", { quantization_config: { bits: 4 } }, `got "quantization_config"`],
    ["llama_gqa_tied", { rope_scaling: { type: "dynamic", factor: 2 }, rope_parameters: null }, `"rope_scaling.type"`],
    ["phi3_fused", { rope_parameters: { rope_type: "longrope" } }, `"rope_parameters.rope_type" "longrope"`],
    ["llama_gqa_tied", { rope_parameters: { rope_type: "yarn", rope_theta: 1, factor: 2, other: 1 } }, `other"`],
    ["llama_gqa_tied", { hidden_size: "48" }, `got "hidden_size" "48", must be a whole number`],
    ["llama_gqa_tied", { hidden_size: undefined }, `got no "hidden_size"`],
    ["llama_gqa_tied", { num_attention_heads: 0 }, `got "num_attention_heads" 0`],
    ["llama_gqa_tied", { num_attention_heads: 5, head_dim: null }, "got dModel 48 and 5 heads"],
    ["llama_gqa_tied", { num_key_value_heads: 4 }, "got numKeyValueHeads 4"],
    ["llama_gqa_tied", { vocab_size: 1e15 }, "got vocabSize 1000000000000000"],
    ["llama_gqa_tied", { num_hidden_layers: 1e9 }, "got numLayers 1000000000"],
    ["llama_gqa_tied", { head_dim: 2 ** 40 }, "got"],
    ["qwen2", { layer_types: ["full_attention", "sliding_attention"], sliding_window: 8 }, `got "layer_types"`],
    ["qwen2", { layer_types: null, use_sliding_window: true, sliding_window: 8, max_window_layers: 1 }, "max_window"],
    ["gpt2", { scale_attn_by_inverse_layer_idx: true }, `got "scale_attn_by_inverse_layer_idx" true`],
    ["gpt2", { activation_function: "relu" }, `got "activation_function" "relu"`],
    ["gpt_neox", { attention_bias: false }, `got "attention_bias" false`],
    ["gemma", { final_logit_softcapping: 30 }, `got "final_logit_softcapping" 30, must be absent`],
    ["gemma", { use_bidirectional_attention: true }, `got "use_bidirectional_attention" true`],
  ];
  for (const [name, changes, message] of cases) {
    await withFixture(name, async ({ directory }) => {
      await editConfig(directory, (config) => ({ ...config, ...changes }));
      const error = await assertRejects(() => openHuggingFaceModel(directory), UserError);
      assertStringIncludes(error.message, message);
      assertStringIncludes(error.message, "config.json");
    });
  }
});

Deno.test("a tensor that is missing, too many, or of another shape or type is named, with what was expected", async () => {
  const [norm, key] = ["model.norm.weight", "model.layers.1.self_attn.k_proj.weight"];
  const cases: [change: (tensors: TensorToWrite[]) => TensorToWrite[], message: string][] = [
    [(all) => all.filter(({ name }) => name !== key), `Cannot import tensor "${key}"`],
    [(all) => all.filter(({ name }) => name !== key), "got no such tensor, must be one of shape (16, 48)"],
    [
      (all) => all.map((t) => t.name === key ? { ...t, shape: [48, 16] } : t),
      "got shape (48, 16), must be of shape (16, 48)",
    ],
    [
      (all) => [...all, { name: "model.layers.2.x", dtype: "F32", shape: [2], data: new Float32Array(2) }],
      `tensor "model.layers.2.x"`,
    ],
    [
      (all) => all.map((t) => t.name === norm ? { ...t, dtype: "I32", data: new Int32Array(48) } : t),
      `got type "I32", must be of type F32, F16, BF16`,
    ],
  ];
  for (const [change, message] of cases) {
    await withFixture("llama_gqa_tied", async ({ directory }) => {
      await editTensors(directory, change);
      const error = await assertRejects(() => openHuggingFaceModel(directory), UserError);
      assertStringIncludes(error.message, message);
    });
  }
});

Deno.test("the head of a model with tied embeddings may be in its file, and is not read", async () => {
  await withFixture("llama_gqa_tied", async ({ directory }) => {
    const before = await weightsOf(directory);
    const head = { name: "lm_head.weight", dtype: "F32" as const, shape: [256, 48] };
    await editTensors(directory, (tensors) => [...tensors, { ...head, data: new Float32Array(256 * 48).fill(9) }]);
    assertEquals(await weightsOf(directory), before);
  });
});

Deno.test("weights that are not finite, and other files, are refused, and nothing is left half-written", () =>
  inTemporaryDirectory(async (dir) => {
    await copyFixture("llama_gqa_tied", `${dir}/model`);
    await editTensors(
      `${dir}/model`,
      (tensors) =>
        tensors.map((tensor) =>
          tensor.name === "model.norm.weight" ? { ...tensor, data: new Float32Array(48).fill(NaN) } : tensor
        ),
    );
    using model = await openHuggingFaceModel(`${dir}/model`);
    const error = await assertRejects(() => importModel(`${dir}/run`, { model, from: "model" }), UserError);
    assertStringIncludes(error.message, `tensor "model.norm.weight"`);
    assertEquals((await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name), ["model"]);

    await Deno.remove(`${dir}/model/model.safetensors`);
    await assertRejects(() => openHuggingFaceModel(`${dir}/model`), UserError, "got no model.safetensors");
    await Deno.writeTextFile(`${dir}/model/pytorch_model.bin`, "");
    await assertRejects(() => openHuggingFaceModel(`${dir}/model`), UserError, "got weights in pytorch_model.bin");
    await Deno.writeTextFile(`${dir}/model/config.json`, "[]");
    await assertRejects(() => openHuggingFaceModel(`${dir}/model`), UserError, "must be a JSON object");
    assert(!await exists(`${dir}/run`));
  }));

Deno.test("every model of the fixtures has its parameters, each of its shape", async () => {
  for (const name of HUGGINGFACE_MODELS) {
    await withFixture(name, async ({ directory }) => {
      using model = await openHuggingFaceModel(directory);
      for (const { name, shape } of parameterSpecs(model.config)) {
        assertEquals((await model.weights(name, shape)).length, shape.reduce((product, n) => product * n), name);
      }
    });
  }
});
