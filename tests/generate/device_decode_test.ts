import { assert, assertEquals } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { Continuation, type ContinuationOptions } from "../../lib/generate/continuation.ts";
import { TextGenerator } from "../../lib/generate/generator.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights, writeWeights } from "../../lib/model/weights.ts";
import { fullForward } from "../harness/full_forward.ts";
import { gpuTest, openGpu } from "../harness/gpu.ts";

const config = {
  vocabSize: 307,
  contextLength: 24,
  dModel: 16,
  numLayers: 2,
  numHeads: 2,
  dFf: 24,
  ropeTheta: 10000,
};

const SAMPLING: readonly Omit<ContinuationOptions, "maxTokens">[] = [
  { temperature: 0, topP: 1 },
  { temperature: 1, topP: 1 },
  { temperature: 0.8, topP: 0.9 },
  { temperature: 1, topP: 1, topK: 7, repetitionPenalty: 1.5 },
  { temperature: 1.3, topP: 0.95, topK: 100, minP: 0.1, repetitionPenalty: 1.2 },
];

gpuTest("texts whose tokens the device chooses are those that the host chooses from the same logits", async () => {
  await using backend = await openGpu();
  const model = new Transformer(config);
  const generator = await TextGenerator.create(backend, model);
  // Larger than a model begins with: else all tokens are nearly as likely.
  const weights = initialWeights(config, 3);
  await writeWeights(backend, model, async (name, shape) => (await weights(name, shape)).map((w) => 3 * w));
  const logitsAfter = await fullForward(backend, model);
  for (const [seed, sampling] of SAMPLING.entries()) {
    // Long enough for the context to slide.
    const options = { ...sampling, maxTokens: 40 };
    const text = new Continuation([5, 6, 7], config.contextLength, options, seed);
    const expected = [];
    while (!text.isOver) {
      const id = text.choose(await logitsAfter(text.context));
      expected.push(id);
      text.take(id);
    }
    assertEquals(await Array.fromAsync(generator.generate([5, 6, 7], { ...options, seed })), expected);
    const samples = await generator.generateSamples([5, 6, 7], options, [seed + 50, seed]);
    const texts = await Promise.all(samples.map((sample) => Array.fromAsync(sample)));
    assertEquals(texts[1], expected, `the second of two texts, ${JSON.stringify(sampling)}`);
  }
});

gpuTest("many tokens are read back together", async () => {
  await using gpu = await openGpu();
  let reads = 0;
  const backend: Backend = {
    name: gpu.name,
    description: gpu.description,
    capabilities: gpu.capabilities,
    bytesInUse: 0,
    load: (program) => gpu.load(program),
    write: (view, data) => gpu.write(view, data),
    read: (view) => {
      reads++;
      return gpu.read(view);
    },
    release: (storage) => gpu.release(storage),
    [Symbol.asyncDispose]: () => gpu[Symbol.asyncDispose](),
  };
  const model = new Transformer({ ...config, contextLength: 256 });
  const generator = await TextGenerator.create(backend, model);
  await writeWeights(backend, model, initialWeights(model.config, 3));
  const options = { temperature: 1, topP: 0.95, seed: 1, maxTokens: 200 };
  const ids = await Array.fromAsync(generator.generate([1], options));
  assertEquals(ids.length, 200);
  assert(reads <= 100, `${reads} read-backs for 200 tokens`);
});
