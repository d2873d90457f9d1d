import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { UserError } from "../../lib/errors.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { TextGenerator } from "../../lib/generate/generator.ts";
import { Safetensors } from "../../lib/formats/safetensors.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { writeWeights } from "../../lib/model/weights.ts";
import { weightsFrom } from "../../lib/model/weights_file.ts";
import { loadTokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { recordOf } from "../../lib/run/data_record.ts";
import { loadModel } from "../../lib/run/loaded_model.ts";
import { mergeConfigs } from "../../lib/run/merge_config.ts";
import { trainRun } from "../../lib/run/run.ts";
import { createRunDirectory, readModelConfig } from "../../lib/run/run_directory.ts";
import { assertClose } from "../harness/assert_close.ts";
import { forEachDevice } from "../harness/backends.ts";
import { fullForward } from "../harness/full_forward.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const TEXT = "the cat sat on the mat, naïve. ".repeat(40);
const tokenizer = await trainBpe(TEXT, { vocabSize: 268 });
const train = tokensInMemory(tokenizer.encode(TEXT));

async function makeRun(directory: string, backend: Backend): Promise<void> {
  const model = { contextLength: 16, dModel: 16, numLayers: 1, numHeads: 2, dFf: 24 };
  const merged = mergeConfigs([{ preset: "tiny", model, training: { steps: 4, batchSize: 4 } }], tokenizer.vocabSize);
  const config = { ...merged, data: { train: await recordOf(train) }, backend: backend.name };
  await createRunDirectory(directory, config, tokenizer);
  await Array.fromAsync(trainRun({ backend, directory, config, train }));
}

forEachDevice(
  "loadModel() generates as the six calls do that it stands for",
  (backend) =>
    inTemporaryDirectory(async (dir) => {
      const run = `${dir}/a run`;
      await makeRun(run, backend);
      const model = new Transformer(await readModelConfig(run));
      using generator = await TextGenerator.create(backend, model);
      using file = await Safetensors.open(`${run}/model.safetensors`);
      await writeWeights(backend, model, weightsFrom(file, "weights"));
      const own = await loadTokenizer(run);
      const options = { maxTokens: 30, temperature: 1.2, seed: 3 };
      const ids = await Array.fromAsync(generator.generate(own.encode("the cat"), options));

      const before = backend.bytesInUse;
      for (const path of [run, new URL(`file://${dir}/a%20run/`)]) {
        await using loaded = await loadModel(path, { backend });
        assertEquals(loaded.config, model.config);
        assertEquals(loaded.tokenizer.encode(TEXT), tokenizer.encode(TEXT));
        assertEquals(await loaded.generate("the cat", options), own.decode(ids));
        assertEquals(await Array.fromAsync(loaded.generateIds(own.encode("the cat"), options)), ids);
        assertEquals((await Array.fromAsync(loaded.generate("the cat", options))).join(""), own.decode(ids));
        const text = own.decode(ids);
        // A letter, since bytes that are no character's look alike in the text.
        const stop = /.[a-z]/.exec(text)![0].slice(1);
        assertEquals(await loaded.generate("the cat", { ...options, stop }), text.slice(0, text.indexOf(stop)));
        // An empty prompt begins a document.
        assertEquals(await loaded.generate("", options), await loaded.generate("<|endoftext|>", options));
      }
      assertEquals(backend.bytesInUse, before, "freed when disposed of");
      model.release(backend);
    }),
);

forEachDevice(
  "logits() are those of a whole forward pass, and wait for no text",
  (backend) =>
    inTemporaryDirectory(async (dir) => {
      await makeRun(`${dir}/run`, backend);
      await using loaded = await loadModel(`${dir}/run`, { backend });
      const { contextLength, vocabSize } = loaded.config;
      const forward = await fullForward(backend, loaded.model);
      for (const length of [1, 7, contextLength]) {
        const ids = tokenizer.encode(TEXT).subarray(0, length);
        const logits = await loaded.logits(ids);
        assertEquals(logits.length, vocabSize);
        const all = await loaded.allLogits(ids);
        assertEquals(all.length, length * vocabSize);
        for (let i = 0; i < length; i++) {
          const row = all.subarray(i * vocabSize, (i + 1) * vocabSize);
          assertClose(row, await forward([...ids.subarray(0, i + 1)]), { absolute: 1e-5 });
        }
        // Sums of 24 products at most, in another order.
        assertClose(logits, await forward([...ids]), { absolute: 1e-5 });
      }
      await assertRejects(() => loaded.logits([]), RangeError, "Cannot compute logits: got an empty prompt");
      await assertRejects(() => loaded.allLogits([]), RangeError, "Cannot compute logits: got an empty prompt");
      await assertRejects(() => loaded.logits([vocabSize]), RangeError, `got token id ${vocabSize}`);
      const tooMany = new Uint32Array(contextLength + 1);
      await assertRejects(() => loaded.logits(tooMany), RangeError, `the context length ${contextLength}`);
      const text = loaded.generateIds([1, 2]);
      await text.next();
      await assertRejects(() => loaded.logits([1]), Error, "got another text under way");
      await text.return();
      assertEquals((await loaded.logits([1])).length, vocabSize);
    }),
);

Deno.test("loadModel() makes the backend that is named, and disposes of it", () =>
  inTemporaryDirectory(async (dir) => {
    await using backend = await createWasmBackend({ workers: 1 });
    await makeRun(`${dir}/run`, backend);
    const loaded = await loadModel(`${dir}/run`, { backend: "wasm" });
    assert(loaded.backend !== backend && loaded.backend.name === "wasm");
    assertEquals((await Array.fromAsync(loaded.generateIds([1], { maxTokens: 3, stopIds: [] }))).length, 3);
    // The test's own check of resources finds workers that were left.
    await loaded[Symbol.asyncDispose]();
    await assertRejects(() => loadModel(`${dir}/run`, { backend: "wasm", weights: "best" }), UserError, "best");
  }));

Deno.test("loadModel() refuses what is no run by what it is", () =>
  inTemporaryDirectory(async (dir) => {
    const write = async (path: string, text: string) => {
      await Deno.mkdir(`${dir}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${dir}/${path}`, text);
    };
    await write("model.gguf", "GGML");
    await write("model.safetensors", "");
    await write("other.txt", "");
    await write("hf/config.json", `{"model_type": "llama"}`);
    await write("checkpoint/checkpoint.json", "{}");
    await write("empty/nothing.txt", "");
    const cases = [
      ["https://huggingface.co/gpt2", "got no path"],
      [new URL("https://huggingface.co/gpt2"), "got no path"],
      [`${dir}/none`, "got no such directory"],
      [`${dir}/model.gguf`, "got a file that does not begin as GGUF does"],
      [`${dir}/model.safetensors`, "got a file of weights alone"],
      [`${dir}/other.txt`, "got a file, must"],
      [`${dir}/hf`, `got no "hidden_size"`],
      [`${dir}/checkpoint`, "got a checkpoint"],
      [`${dir}/empty`, "got no config.json"],
    ] as const;
    for (const [run, message] of cases) await assertRejects(() => loadModel(run), UserError, message);
    // @ts-expect-error: no such name
    const unknown = () => loadModel(dir, { backend: "cuda" });
    await assertRejects(unknown, Error);
  }));
