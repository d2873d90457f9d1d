import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { UserError } from "../../lib/errors.ts";
import { Gguf, type GgufValue } from "../../lib/formats/gguf/gguf.ts";
import { type GgufTensorToWrite, writeGguf } from "../../lib/formats/gguf/write_gguf.ts";
import { openGgufModel } from "../../lib/interchange/gguf/open_model.ts";
import { ggufArchitecture, writeGgufModel } from "../../lib/interchange/gguf/write_model.ts";
import { openHuggingFaceModel } from "../../lib/interchange/huggingface/open_model.ts";
import { type ModelConfig, PRESETS } from "../../lib/model/config.ts";
import { parameterSpecs } from "../../lib/model/parameters.ts";
import { initialWeights } from "../../lib/model/weights.ts";
import { trainBpe } from "../../lib/tokenizer/mod.ts";
import { assertClose } from "../harness/assert_close.ts";
import { withFixture } from "../harness/huggingface_fixtures.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

/** What llama.cpp can express, with its name there. */
const ARCHITECTURES = {
  llama_mha_untied: "llama",
  llama_gqa_tied: "llama",
  llama_biases: "llama",
  qwen2: "qwen2",
  qwen3_head_dim_qk_norm: "qwen3",
  phi3_fused: "llama",
  gemma: "gemma",
  gpt2: "gpt2",
  olmo2: "olmo2",
} as const;

/** Writes a fixture as a GGUF file, and hands over its path. */
async function withGguf(name: string, use: (path: string, directory: string) => Promise<void>): Promise<void> {
  await withFixture(name, async ({ directory }) => {
    using model = await openHuggingFaceModel(directory);
    const { config, weights, stopIds } = model;
    const path = `${directory}/model.gguf`;
    const toExport = { config, weights, stopIds, tokenizer: undefined };
    await writeGgufModel(path, toExport, ggufArchitecture(config), { name });
    await use(path, directory);
  });
}

/** Writes a GGUF file again, with something changed. */
async function edit(
  path: string,
  change: (metadata: Map<string, GgufValue>, tensors: GgufTensorToWrite[]) => GgufTensorToWrite[] | void,
): Promise<void> {
  let metadata: Map<string, GgufValue>, tensors: GgufTensorToWrite[];
  {
    using file = await Gguf.open(path);
    metadata = new Map(file.metadata.values);
    tensors = [...file.tensors.values()].map(({ name, shape }) => ({
      name,
      shape,
      dtype: "F32",
      data: file.readFloats(name),
    }));
  }
  await writeGguf(path, change(metadata, tensors) ?? tensors, metadata);
}

for (const [name, architecture] of Object.entries(ARCHITECTURES)) {
  Deno.test(`${name}: what is written as GGUF is read again, bit for bit`, () =>
    withGguf(name, async (path, directory) => {
      using before = await openHuggingFaceModel(directory);
      using after = await openGgufModel(path);
      assertEquals([after.architecture, after.config], [architecture, before.config]);
      for (const { name, shape } of parameterSpecs(before.config)) {
        assertEquals(await after.weights(name, shape), await before.weights(name, shape), name);
      }
      assertEquals(await after.tokenizer(), undefined);
    }));
}

Deno.test("Llama 3's scaling of positions is a tensor of factors, and known by it", () =>
  withFixture("llama32_rope_scaling", async ({ directory }) => {
    using model = await openHuggingFaceModel(directory);
    const path = `${directory}/model.gguf`;
    const ropeScaling = {
      type: "llama3",
      factor: 32,
      lowFreqFactor: 1,
      highFreqFactor: 4,
      originalContextLength: 8192,
    } as const;
    const write = (config: ModelConfig) =>
      writeGgufModel(path, { ...model, config, tokenizer: undefined }, "llama", { name: "scaled" });
    await write({ ...model.config, ropeScaling });
    {
      using read = await openGgufModel(path);
      assertEquals(read.config.ropeScaling, ropeScaling);
    }
    // The model's own begins at 16 tokens, which no released model does: the factors alone do not tell it.
    await write(model.config);
    await assertRejects(() => openGgufModel(path), UserError, `tensor "rope_freqs.weight"`);
    for (
      const ropeScaling of [{ type: "linear", factor: 4 }, {
        type: "yarn",
        factor: 4,
        originalContextLength: 16,
        betaFast: 32,
        betaSlow: 1,
      }] as const
    ) {
      await write({ ...model.config, ropeScaling });
      using read = await openGgufModel(path);
      assertEquals(read.config.ropeScaling, ropeScaling);
    }
  }));

Deno.test("a tokenizer inside a GGUF file gives the same ids, of rows without a token none", () =>
  withFixture("llama_gqa_tied", async ({ directory }) => {
    using model = await openHuggingFaceModel(directory);
    const text = "the cat sat on the mat ";
    const tokenizer = await trainBpe("", { vocabSize: 256, specialTokens: [] });
    const path = `${directory}/model.gguf`;
    await writeGgufModel(path, { ...model, tokenizer, stopIds: [2] }, "llama", { name: "with a tokenizer" });
    using read = await openGgufModel(path);
    const loaded = (await read.tokenizer())!;
    assertEquals(loaded.encode(text), tokenizer.encode(text));
    assertEquals(read.stopIds, [2]);
  }));

Deno.test("what a GGUF file says that is not supported, or not known, is refused by its key", async () => {
  const uint32 = (value: number): GgufValue => ({ type: "uint32", value });
  const text = (value: string): GgufValue => ({ type: "string", value });
  const cases: [key: string, value: GgufValue | undefined, message: string][] = [
    ["general.architecture", text("mamba"), `got "general.architecture" "mamba" (string), must be one of llama, qwen2`],
    ["llama.expert_count", uint32(8), `got "llama.expert_count" 8`],
    ["llama.attn_logit_softcapping", uint32(50), `got "llama.attn_logit_softcapping" 50`],
    ["llama.final_logit_softcapping", uint32(30), `got "llama.final_logit_softcapping" 30`],
    ["llama.rope.scaling.type", text("longrope"), `got "llama.rope.scaling.type" "longrope"`],
    ["llama.block_count", undefined, `got no "llama.block_count"`],
    ["llama.block_count", uint32(4_000_000_000), "got numLayers 4000000000"],
    ["llama.block_count", uint32(3), `Cannot import tensor "blk.2.attn_norm.weight"`],
    ["llama.attention.value_length", uint32(4), `got "llama.attention.value_length" 4`],
    ["split.count", uint32(2), `got "split.count" 2`],
  ];
  for (const [key, value, message] of cases) {
    await withGguf("llama_gqa_tied", async (path) => {
      await edit(path, (metadata) => {
        if (value === undefined) metadata.delete(key);
        else metadata.set(key, value);
      });
      const error = await assertRejects(() => openGgufModel(path), UserError);
      assertStringIncludes(error.message, message);
    });
  }
});

Deno.test("a tensor of a GGUF file that is missing, too many or misshapen is named", () =>
  withGguf("llama_gqa_tied", async (path) => {
    const name = "blk.1.attn_k.weight";
    await edit(
      path,
      (_, tensors) => tensors.map((tensor) => tensor.name === name ? { ...tensor, shape: [48, 16] } : tensor),
    );
    await assertRejects(() => openGgufModel(path), UserError, "got shape (48, 16), must be of shape (16, 48)");
    await edit(path, (_, tensors) => tensors.filter((tensor) => tensor.name !== name));
    await assertRejects(() => openGgufModel(path), UserError, `tensor "${name}"`);
  }));

Deno.test("a tokenizer of another kind, or a damaged one, is refused by its key", async () => {
  const list = (value: string[]): GgufValue => ({ type: "array", of: "string", value });
  const cases: [Record<string, GgufValue>, string][] = [
    [{ "tokenizer.ggml.model": { type: "string", value: "t5" } }, `got "tokenizer.ggml.model" "t5"`],
    [{ "tokenizer.ggml.pre": { type: "string", value: "own" } }, `got "tokenizer.ggml.pre" "own"`],
    [{ "tokenizer.ggml.tokens": list(["a", "a"]), "tokenizer.ggml.token_type": list([]) }, "token_type"],
  ];
  await inTemporaryDirectory(async (dir) => {
    const tokenizer = await trainBpe("", { vocabSize: 256, specialTokens: [] });
    for (const [changes, message] of cases) {
      await withFixture("llama_gqa_tied", async ({ directory }) => {
        using model = await openHuggingFaceModel(directory);
        const path = `${dir}/model.gguf`;
        await writeGgufModel(path, { ...model, tokenizer }, "llama", { name: "damaged" });
        await edit(path, (metadata) => {
          for (const [key, value] of Object.entries(changes)) metadata.set(key, value);
        });
        using read = await openGgufModel(path);
        const error = await assertRejects(() => read.tokenizer(), UserError);
        assertStringIncludes(error.message, message);
      });
    }
  });
});

Deno.test("a SentencePiece tokenizer inside a GGUF file gives sentencepiece's own ids", () =>
  withGguf("llama_gqa_tied", async (path) => {
    const fixture = new URL("../fixtures/tokenizer/sentence_piece_model.json", import.meta.url);
    const { tokens, scores, types, cases } = JSON.parse(await Deno.readTextFile(fixture)) as {
      tokens: string[];
      scores: number[];
      types: number[];
      cases: { text: string; ids: number[] }[];
    };
    await edit(path, (metadata) => {
      metadata.set("tokenizer.ggml.model", { type: "string", value: "llama" });
      metadata.set("tokenizer.ggml.tokens", { type: "array", of: "string", value: tokens });
      metadata.set("tokenizer.ggml.scores", { type: "array", of: "float32", value: scores });
      metadata.set("tokenizer.ggml.token_type", { type: "array", of: "int32", value: types });
      metadata.set("tokenizer.ggml.unknown_token_id", { type: "uint32", value: 0 });
      metadata.set("tokenizer.ggml.bos_token_id", { type: "uint32", value: 1 });
      metadata.set("tokenizer.chat_template", { type: "string", value: "{{ messages }}" });
    });
    using model = await openGgufModel(path);
    const tokenizer = (await model.tokenizer())!;
    for (const { text, ids } of cases) {
      // Of an empty text, sentencepiece makes none, and Hugging Face's tokenizers too.
      assertEquals([...tokenizer.encode(text)], ids, JSON.stringify(text));
      if (!text.includes("\u2581")) assertEquals(tokenizer.decode(tokenizer.encode(text)), text);
    }
    const settings = tokenizer.vocabulary.config!.settings!;
    assertEquals([settings.bos_token, settings.chat_template], ["<s>", "{{ messages }}"]);
    // Written again, with the template; rows of the model without a token are unused.
    const again = `${path}.again`;
    const vocabSize = tokens.length + 3, { contextLength } = model.config;
    const config = { ...PRESETS.tiny, vocabSize, contextLength, numLayers: 1 };
    const toExport = { config, weights: initialWeights(config, 0), stopIds: [2], tokenizer };
    await writeGgufModel(again, toExport, "llama", { name: "again" });
    using read = await openGgufModel(again);
    const same = (await read.tokenizer())!;
    for (const { text, ids } of cases) assertEquals([...same.encode(text)], ids, JSON.stringify(text));
    assertEquals(same.vocabulary.config!.settings!.chat_template, "{{ messages }}");
  }));

Deno.test("a model that llama.cpp has no architecture for is refused, by the part that keeps it from it", async () => {
  for (const [name, message] of [["mistral", "got slidingWindow 8"], ["gpt_neox", 'got ffn "gelu_erf"']]) {
    await withFixture(name, async ({ directory }) => {
      using model = await openHuggingFaceModel(directory);
      assertThrows(() => ggufArchitecture(model.config), UserError, message);
      const capped = { ...model.config, slidingWindow: undefined, ffn: "swiglu", logitSoftCap: 30 } as const;
      if (name === "mistral") assertThrows(() => ggufArchitecture(capped), UserError, "got logitSoftCap 30");
    });
  }
  const config = { vocabSize: 9, ...PRESETS.tiny };
  assertEquals(ggufArchitecture(config), "llama");
  for (const parts of [{ ffn: "relu_squared" }, { valueEmbeddings: "all" }] as const) {
    const [[key, value]] = Object.entries(parts);
    assertThrows(() => ggufArchitecture({ ...config, ...parts }), UserError, `got ${key} "${value}"`);
  }
});

Deno.test("Q8_0 is of matrices whose rows are a multiple of 32; others are F16, vectors F32", () =>
  withFixture("llama_gqa_tied", async ({ directory }) => {
    using model = await openHuggingFaceModel(directory);
    const path = `${directory}/model.gguf`;
    await writeGgufModel(path, { ...model, tokenizer: undefined }, "llama", { name: "small", type: "Q8_0" });
    using file = await Gguf.open(path);
    const dtypeOf = (name: string) => file.tensors.get(name)!.dtype;
    const names = ["blk.0.ffn_down.weight", "blk.0.attn_q.weight", "blk.0.attn_norm.weight"];
    assertEquals(names.map(dtypeOf), ["Q8_0", "F16", "F32"]);
    using read = await openGgufModel(path);
    const [name, shape] = ["layers.0.ffn.w2.weight", [48, 96]] as const;
    const weights = await model.weights(name, shape);
    // Half a step of 1/127 of the largest in a block.
    const largest = weights.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    assertClose(await read.weights(name, shape), weights, { absolute: largest / 254 * 1.01 });
  }));
