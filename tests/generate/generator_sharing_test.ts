// What a generator does with texts that would share its cache, with weights that are no numbers, and with rows that stand
// for no token.
import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { type GeneratorOptions, TextGenerator } from "../../lib/generate/generator.ts";
import { NoTokenError } from "../../lib/generate/sampling.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights, type WeightSource, writeWeights } from "../../lib/model/weights.ts";
import { forEachBackend } from "../harness/backends.ts";

const config = {
  vocabSize: 70,
  contextLength: 16,
  dModel: 16,
  numLayers: 1,
  numHeads: 2,
  dFf: 24,
  ropeTheta: 10000,
};
const options = { temperature: 1.5, topP: 1, maxTokens: 25 };

async function makeGenerator(
  backend: Backend,
  { weights = initialWeights(config, 11), ...rest }: GeneratorOptions & { weights?: WeightSource } = {},
): Promise<TextGenerator> {
  const model = new Transformer(config);
  const generator = await TextGenerator.create(backend, model, rest);
  await writeWeights(backend, model, weights);
  return generator;
}

const BUSY = "another text under way";

forEachBackend("a text is refused while another of the same generator is under way", async (backend) => {
  using generator = await makeGenerator(backend);
  const alone = await Array.fromAsync(generator.generate([3], { ...options, seed: 1 }));
  const text = generator.generate([3], { ...options, seed: 1 });
  const read = [(await text.next()).value];
  await assertRejects(() => generator.generate([4], { ...options, seed: 2 }).next(), Error, BUSY);
  await assertRejects(() => generator.generateSamples([4], options, [1, 2]), Error, BUSY);
  // The refused ones did the other no harm.
  for await (const id of text) read.push(id);
  assertEquals(read, alone);
  assertEquals(await Array.fromAsync(generator.generate([3], { ...options, seed: 1 })), alone);
});

forEachBackend("two texts that begin in the same moment: one of them is refused", async (backend) => {
  using generator = await makeGenerator(backend);
  const alone = await Array.fromAsync(generator.generate([3], { ...options, seed: 1 }));
  const [first, second] = await Promise.allSettled(
    [3, 4].map((id) => Array.fromAsync(generator.generate([id], { ...options, seed: 1 }))),
  );
  assertEquals(first, { status: "fulfilled", value: alone });
  assert(second.status === "rejected");
  assertStringIncludes(String(second.reason), BUSY);
});

forEachBackend("texts that were given up, aborted, or failed leave the generator to others", async (backend) => {
  using generator = await makeGenerator(backend);
  const alone = await Array.fromAsync(generator.generate([3], { ...options, seed: 1 }));
  const isFree = async () =>
    assertEquals(await Array.fromAsync(generator.generate([3], { ...options, seed: 1 })), alone);

  for await (const _ of generator.generate([5], { ...options, seed: 3 })) break;
  await isFree();
  const returned = generator.generate([5], { ...options, seed: 3 });
  await returned.next();
  await returned.return();
  await isFree();
  // Never read from.
  generator.generate([5], { ...options, seed: 3 });
  await isFree();

  // Samples are under way until the last is given up, those that were never read from too.
  const samples = await generator.generateSamples([5], options, [1, 2, 3]);
  await samples[1].next();
  await samples[0].return();
  await samples[1].return();
  await assertRejects(isFree, Error, BUSY);
  await samples[2].return();
  await isFree();

  const controller = new AbortController();
  const aborted = await generator.generateSamples([5], { ...options, signal: controller.signal }, [1, 2]);
  await aborted[0].next();
  controller.abort();
  await isFree();

  await assertRejects(
    () => Array.fromAsync(generator.generate([config.vocabSize], { ...options, seed: 1 })),
    RangeError,
  );
  await isFree();
});

forEachBackend("options that would never end a text are refused", async (backend) => {
  using generator = await makeGenerator(backend);
  for (const maxTokens of [NaN, -1, 0.5]) {
    const text = generator.generate([1], { ...options, maxTokens, seed: 0 });
    await assertRejects(() => text.next(), RangeError, `got maxTokens ${maxTokens}`);
  }
  await assertRejects(() => generator.generate([1.5], { ...options, seed: 0 }).next(), RangeError, "token id 1.5");
});

/** Weights of which one is no number. */
const broken = (name: string, bad: number): WeightSource => async (parameter, shape) => {
  const weights = await initialWeights(config, 11)(parameter, shape);
  if (parameter === name) weights[weights.length - 1] = bad;
  return weights;
};

forEachBackend("weights that are NaN make no text, but one error, whatever the temperature", async (backend) => {
  // A norm's weight makes all logits NaN; the head's last row only those of the last token.
  for (const name of ["ln_final.weight", "lm_head.weight"]) {
    using generator = await makeGenerator(backend, { weights: broken(name, NaN) });
    for (const temperature of [0, 1]) {
      const text = generator.generate([1], { ...options, temperature, seed: 0 });
      const error = await assertRejects(() => Array.fromAsync(text), NoTokenError);
      assertStringIncludes(error.message, "NaN");
      await assertRejects(async () => {
        for (const sample of await generator.generateSamples([1], { ...options, temperature }, [1, 2])) {
          await Array.fromAsync(sample);
        }
      }, NoTokenError);
    }
  }
});

forEachBackend("NaN that comes only after some tokens is found too", async (backend) => {
  // The position in the prompt is in order; a token that is drawn later is not.
  const token = async (): Promise<number> => {
    using whole = await makeGenerator(backend);
    const drawn = await Array.fromAsync(whole.generate([1], { ...options, seed: 4 }));
    return drawn[6];
  };
  const bad = await token();
  using generator = await makeGenerator(backend, {
    weights: async (parameter, shape) => {
      const weights = await initialWeights(config, 11)(parameter, shape);
      if (parameter === "token_embeddings.weight") weights[bad * config.dModel] = NaN;
      return weights;
    },
  });
  const made: number[] = [];
  await assertRejects(async () => {
    for await (const id of generator.generate([1], { ...options, seed: 4 })) made.push(id);
  }, NoTokenError);
  assert(made.every((id) => id < config.vocabSize), String(made));
  // The generator still works: with another prompt that never comes to that token it may even be right.
  await assertRejects(() => Array.fromAsync(generator.generate([bad], { ...options, seed: 4 })), NoTokenError);
});

forEachBackend("ids that stand for no token are never drawn, beyond the tokenizer's and between", async (backend) => {
  const isDrawable = (id: number) => id < 40 && id % 3 !== 0;
  using generator = await makeGenerator(backend, { isDrawable });
  for (
    const sampling of [
      { temperature: 0, topP: 1 },
      { temperature: 5, topP: 1 },
      { temperature: 5, topP: 0.9, topK: 60, minP: 1e-9, repetitionPenalty: 1.5 },
    ]
  ) {
    const texts = [];
    for (let seed = 0; seed < 5; seed++) {
      // The prompt may hold what cannot be drawn: a penalty must not bring it in.
      texts.push(await Array.fromAsync(generator.generate([3, 45, 69], { ...options, ...sampling, seed })));
    }
    const samples = await generator.generateSamples([3, 45, 69], { ...options, ...sampling }, [7, 8, 9]);
    texts.push(...await Promise.all(samples.map((sample) => Array.fromAsync(sample))));
    for (const text of texts) {
      assertEquals(text.length, options.maxTokens);
      assertEquals(text.filter((id) => !isDrawable(id)), [], JSON.stringify(sampling));
    }
    if (sampling.temperature > 0) assert(new Set(texts.flat()).size > 20, "most of those that may be are drawn");
  }
});

forEachBackend("a generator that may draw nothing is refused", async (backend) => {
  await assertRejects(
    () => TextGenerator.create(backend, new Transformer(config), { isDrawable: () => false }),
    RangeError,
  );
  assertThrows(() => new Transformer({ ...config, vocabSize: 0 }), RangeError);
});
