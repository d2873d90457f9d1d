// Exported models in transformers and llama.cpp:
// BYTELM_INTEROP=1 BYTELM_PYTHON=python3 deno test -A tests/interop
import { assertEquals } from "@std/assert";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { Gguf } from "../../lib/formats/gguf/gguf.ts";
import { writeGguf } from "../../lib/formats/gguf/write_gguf.ts";
import type { ForeignModel } from "../../lib/interchange/foreign_model.ts";
import { readGgufTokenizer } from "../../lib/interchange/gguf/tokenizer.ts";
import { writeGgufModel } from "../../lib/interchange/gguf/write_model.ts";
import { type ModelConfig, PRESETS } from "../../lib/model/config.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights } from "../../lib/model/weights.ts";
import { importModel } from "../../lib/run/import_model.ts";
import { LoadedModel, loadModel } from "../../lib/run/loaded_model.ts";
import { openForeignModel } from "../../lib/run/open_foreign.ts";
import { PATTERN_NAMES } from "../../lib/tokenizer/pretokenize/patterns.ts";
import { type Tokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { main as exportTask } from "../../tasks/export.ts";
import { capture } from "../cli/capture.ts";
import { assertClose } from "../harness/assert_close.ts";
import { copyFixture, HUGGINGFACE_MODELS } from "../harness/huggingface_fixtures.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const ignore = Deno.env.get("BYTELM_INTEROP") !== "1";

const TEXTS = [
  "the cat sat on the mat",
  "  two  spaces\tand a tab\n\n\nlines \n",
  "I'll, we've, THEY'RE; it's 3.14159 and 1234567",
  "naïve café — 日本語のテキスト, Ελληνικά, עברית, 👩‍👩‍👧‍👦",
  "<|endoftext|>after the end<|endoftext|>",
  "e\u0301 \u00a0\u2003\u3000 x",
  "a\r\nb\rc\u2028d",
  "{}[]()!?#$%&*+-/=\\|~^`\"'",
  "",
];

/** What the tokenizers learn: enough that each pattern shows in the ids of the texts. */
const TRAINED_ON = await Deno.readTextFile(new URL("../../lib/tokenizer/mod.ts", import.meta.url)) +
  TEXTS.join(" ").repeat(5);

interface Asked {
  readonly hf: string;
  readonly gguf: string | undefined;
  readonly texts: readonly string[];
  readonly prompts: readonly (readonly number[])[];
  readonly vocabulary: number;
  readonly context: number;
}

interface Answer {
  readonly hf: { model: string; logits: number[][]; ids?: number[][]; eos: unknown; eos_token?: string };
  readonly gguf: { logprobs: number[][]; ids: number[][] };
}

/** Asks Python once for all models: to load its libraries takes longer than anything else here. */
async function ask(asked: readonly Asked[]): Promise<Answer[]> {
  const command = new Deno.Command(Deno.env.get("BYTELM_PYTHON") ?? "python3", {
    args: [new URL("model_peers.py", import.meta.url).pathname],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = command.stdin.getWriter();
  await writer.write(
    new TextEncoder().encode(JSON.stringify(asked.map((one) => ({ ...one, gguf: one.gguf ?? null })))),
  );
  await writer.close();
  const { success, stdout, stderr } = await command.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr).slice(-4000));
  return JSON.parse(new TextDecoder().decode(stdout).split("\nANSWERS")[1]) as Answer[];
}

function logSoftmax(logits: Float32Array): Float64Array {
  const high = logits.reduce((a, b) => Math.max(a, b));
  const sum = logits.reduce((total, value) => total + Math.exp(value - high), 0);
  return Float64Array.from(logits, (value) => value - high - Math.log(sum));
}

/** What llama.cpp cannot express: see write_architectures.ts. */
const WITHOUT_GGUF = ["mistral", "gpt_neox"];

/** Makes a run of a model, exports it in both ways, and says what to ask of the exports. */
async function exported(dir: string, model: ForeignModel, tokenizer: Tokenizer, hasGguf = true): Promise<Asked> {
  await importModel(`${dir}/run`, { model, from: "model", tokenizer });
  const run = (format: string, out: string) =>
    capture(exportTask, "--run", `${dir}/run`, "--format", format, "--out", `${dir}/${out}`);
  assertEquals((await run("hf", "hf")).code, 0);
  const inGguf = await run("gguf", "model.gguf");
  assertEquals(inGguf.code, hasGguf ? 0 : 1, inGguf.stderr);
  const { vocabSize: vocabulary, contextLength: context } = model.config;
  return {
    hf: `${dir}/hf`,
    gguf: hasGguf ? `${dir}/model.gguf` : undefined,
    texts: [],
    prompts: [],
    vocabulary,
    context,
  };
}

/** A model with random weights. */
function randomModel(vocabSize: number): ForeignModel {
  const config = { ...PRESETS.tiny, vocabSize, contextLength: 256, dModel: 32, dFf: 64, numLayers: 1 };
  return {
    format: "huggingface",
    architecture: "llama",
    config,
    files: [],
    weights: initialWeights(config, 0),
    stopIds: [],
    tokenizer: () => Promise.resolve(undefined),
    [Symbol.dispose]: () => {},
  };
}

Deno.test({
  name: "models that are imported and exported again have the same logits in transformers and llama.cpp",
  ignore,
  fn: () =>
    inTemporaryDirectory(async (dir) => {
      const tokenizer = await trainBpe("", { vocabSize: 256, specialTokens: [] });
      const ids = [1, 5, 9, 200, 17, 3, 250, 42, 42, 7, 99, 128, 0, 64, 33, 2];
      const prompts = [ids, ids.slice(0, 3), ids.slice(5)];
      const asked: Asked[] = [];
      for (const name of HUGGINGFACE_MODELS) {
        await copyFixture(name, `${dir}/${name}/model`);
        using foreign = await openForeignModel({ kind: "huggingface", path: `${dir}/${name}/model` });
        const hasGguf = !WITHOUT_GGUF.includes(name);
        asked.push({ ...await exported(`${dir}/${name}`, foreign, tokenizer, hasGguf), prompts });
      }
      await using backend = await createWasmBackend();
      for (const [i, { hf, gguf }] of (await ask(asked)).entries()) {
        const name = HUGGINGFACE_MODELS[i];
        await using model = await loadModel(`${dir}/${name}/run`, { backend });
        for (const [j, prompt] of prompts.entries()) {
          const logits = await model.logits(prompt);
          assertClose(logits, hf.logits[j], { absolute: 2e-5 }, `${name} in transformers`);
          // llama.cpp takes the tanh of GELU from a table in float16.
          const absolute = ["gpt2", "gemma"].includes(name) ? 2e-3 : 1e-4;
          if (gguf) assertClose(gguf.logprobs[j], logSoftmax(logits), { absolute }, `${name} in llama.cpp`);
        }
      }
    }),
});

Deno.test({
  name: "GGUF files of Phi-3's and GPT-NeoX's layout have the same logits in llama.cpp",
  ignore,
  fn: () =>
    inTemporaryDirectory(async (dir) => {
      const tokenizer = await trainBpe("", { vocabSize: 256, specialTokens: [] });
      const prompts = [[1, 5, 9, 200, 17, 3, 250, 42, 42, 7, 99, 128, 0, 64, 33, 2]];
      const asked: Asked[] = [];
      await using backend = await createWasmBackend();
      const own: Float32Array[] = [];
      for (const [name, architecture] of [["phi3_fused", "phi3"], ["gpt_neox", "gptneox"]]) {
        await copyFixture(name, `${dir}/${name}`);
        using foreign = await openForeignModel({ kind: "huggingface", path: `${dir}/${name}` });
        // llama.cpp has no GELU but the approximation by tanh.
        const config: ModelConfig = { ...foreign.config, ...(name === "gpt_neox" && { ffn: "gelu" }) };
        const gguf = `${dir}/${name}.gguf`;
        // Where a name has "phi-3" in it, llama.cpp looks for tokens of Phi-3.
        await writeGgufModel(gguf, { ...foreign, config, tokenizer }, architecture, { name: "fused" });
        asked.push({ hf: `${dir}/${name}`, gguf, texts: [], prompts, vocabulary: 256, context: 64 });
        using read = await openForeignModel({ kind: "gguf", path: gguf });
        const model = new Transformer(config);
        const source = { model, tokenizer, weights: read.weights, stopIds: [] };
        await using loaded = await LoadedModel.load(backend, source);
        own.push(await loaded.logits(prompts[0]));
      }
      for (const [i, { gguf }] of (await ask(asked)).entries()) {
        assertClose(gguf.logprobs[0], logSoftmax(own[i]), { absolute: i === 0 ? 1e-4 : 2e-3 }, asked[i].gguf);
      }
    }),
});

Deno.test({
  name: "a SentencePiece tokenizer that is exported gives the same ids in transformers and llama.cpp",
  ignore,
  fn: () =>
    inTemporaryDirectory(async (dir) => {
      const fixture = new URL("../fixtures/tokenizer/sentence_piece_model.json", import.meta.url);
      const { tokens, scores, types, cases } = JSON.parse(await Deno.readTextFile(fixture)) as {
        tokens: string[];
        scores: number[];
        types: number[];
        cases: { text: string; ids: number[] }[];
      };
      await writeGguf(`${dir}/spm.gguf`, [], [
        ["tokenizer.ggml.model", { type: "string", value: "llama" }],
        ["tokenizer.ggml.tokens", { type: "array", of: "string", value: tokens }],
        ["tokenizer.ggml.scores", { type: "array", of: "float32", value: scores }],
        ["tokenizer.ggml.token_type", { type: "array", of: "int32", value: types }],
        ["tokenizer.ggml.unknown_token_id", { type: "uint32", value: 0 }],
      ]);
      using file = await Gguf.open(`${dir}/spm.gguf`);
      const tokenizer = readGgufTokenizer(file.metadata, "spm.gguf")!;
      const texts = cases.map(({ text }) => text).filter((text) => text !== "");
      const [{ hf, gguf }] = await ask([{ ...await exported(dir, randomModel(tokens.length), tokenizer), texts }]);
      const expected = texts.map((text) => [...tokenizer.encode(text)]);
      assertEquals(hf.ids, expected, "transformers");
      assertEquals(gguf.ids, expected, "llama.cpp");
    }),
});

Deno.test({
  name: "exported tokenizers of all patterns give the same ids in transformers and llama.cpp",
  ignore,
  fn: () =>
    inTemporaryDirectory(async (dir) => {
      const texts = TEXTS.filter((text) => text !== "");
      const asked: Asked[] = [], expected: number[][][] = [];
      for (const pattern of PATTERN_NAMES) {
        const tokenizer = await trainBpe(TRAINED_ON, { vocabSize: 700, pattern });
        // The model has a few rows more than tokens, as many do.
        asked.push({ ...await exported(`${dir}/${pattern}`, randomModel(704), tokenizer), texts });
        expected.push(texts.map((text) => [...tokenizer.encode(text)]));
      }
      const answers = await ask(asked);
      for (const [i, { hf, gguf }] of answers.entries()) {
        assertEquals([hf.eos, hf.eos_token], [0, "<|endoftext|>"]);
        assertEquals(hf.ids, expected[i], `${PATTERN_NAMES[i]} in transformers`);
        // Its pattern of o200k splits marks from their letters, as the export says.
        const isNear = (j: number) => PATTERN_NAMES[i] === "o200k" && /\p{M}/u.test(texts[j]);
        for (const [j, own] of expected[i].entries()) {
          if (!isNear(j)) assertEquals(gguf.ids[j], own, `${PATTERN_NAMES[i]} in llama.cpp: ${texts[j]}`);
        }
      }
    }),
});
