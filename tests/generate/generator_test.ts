import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import type { ModelConfig } from "../../lib/model/config.ts";
import { TextGenerator } from "../../lib/generate/generator.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { writeWeights } from "../../lib/model/weights.ts";
import { forEachBackend } from "../harness/backends.ts";
import { drawnWeights } from "../harness/drawn_weights.ts";
import { fullForward } from "../harness/full_forward.ts";

const config = {
  vocabSize: 37,
  contextLength: 24,
  dModel: 16,
  numLayers: 2,
  numHeads: 2,
  dFf: 24,
  ropeTheta: 10000,
};
/** Every switch that changes what is cached or how it is used. */
const switched: ModelConfig = { ...config, normPlace: "post", position: "none", ffn: "silu", tieEmbeddings: true };
/** Heads of an odd size, which rotary positions could not turn. */
const odd: ModelConfig = { ...config, position: "none", dModel: 10 };
/** Fewer heads of keys in the cache, positions in it that no query sees any more, and norms before rotations. */
const shared: ModelConfig = {
  ...config,
  numHeads: 4,
  numKeyValueHeads: 2,
  headDim: 6,
  slidingWindow: 5,
  qkNorm: "head",
  valueEmbeddings: "all",
  tieEmbeddings: true,
  scaleEmbeddings: true,
  rotaryDim: 4,
};
/** Positions that are looked up, blocks in parallel, biases, and everything else of other models. */
const learned: ModelConfig = {
  ...config,
  norm: "layer",
  position: "learned",
  ffn: "gelu",
  bias: "all",
  parallelBlocks: true,
  embeddingScale: 2,
};
const greedy = { temperature: 0, topP: 1, seed: 0 };

async function makeGenerator(backend: Backend, model: Transformer): Promise<TextGenerator> {
  const generator = await TextGenerator.create(backend, model);
  await writeWeights(backend, model, drawnWeights(model.config, 11));
  return generator;
}

/** The likeliest next token by a whole forward pass. */
async function likeliest(backend: Backend, model: Transformer) {
  const logitsAfter = await fullForward(backend, model);
  return async (context: readonly number[]) => {
    const logits = await logitsAfter(context);
    return logits.indexOf(Math.max(...logits));
  };
}

forEachBackend(
  "generation with a cache equals full forward passes, beyond the end of the context too",
  async (backend) => {
    const lengths = [[config, 1], [config, 7], [config, 23], [config, 24], [config, 30], [switched, 7], [odd, 7], [
      shared,
      7,
    ], [learned, 9]] as const;
    for (const [architecture, promptLength] of lengths) {
      const model = new Transformer(architecture);
      const generator = await makeGenerator(backend, model);
      const next = await likeliest(backend, model);
      const prompt = Array.from({ length: promptLength }, (_, i) => (i * 17 + 5) % config.vocabSize);
      const generated = await Array.fromAsync(generator.generate(prompt, { ...greedy, maxTokens: 40 }));
      const expected = [];
      let context = prompt.slice(-config.contextLength);
      for (let i = 0; i < 40; i++) {
        const id = await next(context);
        expected.push(id);
        // The rule of a full window: keep the newest half, then the new token.
        if (context.length === config.contextLength) context = context.slice(-config.contextLength / 2);
        context.push(id);
      }
      assertEquals(generated, expected, `prompt of ${promptLength} tokens`);
    }
  },
);

forEachBackend("a context of one token slides with every token", async (backend) => {
  const generator = await makeGenerator(backend, new Transformer({ ...config, contextLength: 1 }));
  const text = await Array.fromAsync(generator.generate([3], { ...greedy, maxTokens: 6 }));
  const expected = [];
  for (const token of [3, ...text.slice(0, 5)]) {
    expected.push(...await Array.fromAsync(generator.generate([token], { ...greedy, maxTokens: 1 })));
  }
  assertEquals(text, expected);
});

forEachBackend(
  "generation depends on the seed alone, stops where told, and refuses what cannot work",
  async (backend) => {
    const generator = await makeGenerator(backend, new Transformer(config));
    const options = { temperature: 1.5, topP: 0.9, maxTokens: 20 };
    const run = (seed: number, stopIds: number[] = []) =>
      Array.fromAsync(generator.generate([3, 4], { ...options, seed, stopIds }));
    const first = await run(1);
    assertEquals(await run(1), first);
    assertEquals((await run(2)).join() === first.join(), false);
    assertEquals(await run(1, [first[5]]), first.slice(0, first.indexOf(first[5])));
    await assertRejects(
      () => Array.fromAsync(generator.generate([], { ...greedy, maxTokens: 1 })),
      RangeError,
      "empty",
    );
    await assertRejects(
      () => Array.fromAsync(generator.generate([37], { ...greedy, maxTokens: 1 })),
      RangeError,
      "id 37",
    );
  },
);

forEachBackend("samples that are made together are those made alone, however many there are", async (backend) => {
  // Long enough for the context to slide.
  const options = { temperature: 1.5, topP: 0.95, repetitionPenalty: 1.1, maxTokens: 26, stopIds: [11] };
  const generator = await makeGenerator(backend, new Transformer(config));
  const prompt = [3, 4, 5, 6, 7];
  const seeds = Array.from({ length: generator.maxSamples }, (_, i) => 20 + i);
  const alone = [];
  for (const seed of seeds) alone.push(await Array.fromAsync(generator.generate(prompt, { ...options, seed })));
  assert(new Set(alone.map(({ length }) => length)).size > 1, "all samples are of one length");
  assert(alone.some(({ length }) => length === options.maxTokens), "no sample slides");
  for (const count of [3, seeds.length]) {
    const samples = await generator.generateSamples(prompt, options, seeds.slice(0, count));
    const texts = await Promise.all(samples.map((sample) => Array.fromAsync(sample)));
    assertEquals(texts, alone.slice(0, count), `${count} samples`);
  }
});

forEachBackend("samples may be read one after another, and given up", async (backend) => {
  const generator = await makeGenerator(backend, new Transformer(config));
  const options = { temperature: 1.5, topP: 0.95, maxTokens: 30 };
  const seeds = [1, 2, 3];
  const alone = [];
  for (const seed of seeds) alone.push(await Array.fromAsync(generator.generate([9], { ...options, seed })));
  const samples = await generator.generateSamples([9], options, seeds);
  const start = [];
  for await (const id of samples[1]) {
    start.push(id);
    if (start.length === 4) break;
  }
  assertEquals(start, alone[1].slice(0, 4));
  assertEquals(await Array.fromAsync(samples[2]), alone[2]);
  assertEquals(await Array.fromAsync(samples[0]), alone[0]);
  // The one that was given up has nothing more to say, and the generator is ready for another text.
  assertEquals(await Array.fromAsync(samples[1]), []);
  assertEquals(await Array.fromAsync(generator.generate([9], { ...options, seed: 2 })), alone[1]);

  const controller = new AbortController();
  const stopped = await generator.generateSamples([9], { ...options, signal: controller.signal }, seeds);
  assertEquals((await stopped[0].next()).value, alone[0][0]);
  controller.abort();
  assertEquals(await Promise.all(stopped.map((sample) => Array.fromAsync(sample))), [[], [alone[1][0]], [alone[2][0]]]);
});

forEachBackend("no seeds, or more than go together, are refused", async (backend) => {
  const generator = await makeGenerator(backend, new Transformer(config));
  const seeds = Array.from({ length: generator.maxSamples + 1 }, (_, i) => i);
  const options = { temperature: 1, topP: 1, maxTokens: 1 };
  await assertRejects(() => generator.generateSamples([1], options, seeds), RangeError, `got ${seeds.length} seeds`);
  await assertRejects(() => generator.generateSamples([1], options, []), RangeError, "got 0 seeds");
});
