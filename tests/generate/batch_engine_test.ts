// Many texts continued together, each as it would be alone.
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { OptionError } from "../../lib/errors.ts";
import { BatchEngine, type BatchEngineOptions } from "../../lib/generate/batch_engine.ts";
import { QueueFullError, TextTooLongError } from "../../lib/generate/batch_errors.ts";
import type { BatchRequest, BatchText } from "../../lib/generate/batch_text.ts";
import { NoTokenError } from "../../lib/generate/sampling.ts";
import type { ModelConfig } from "../../lib/model/config.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights, writeWeights } from "../../lib/model/weights.ts";
import { viewOf } from "../../lib/graph/program.ts";
import { forEachBackend, forEachDevice, reference } from "../harness/backends.ts";
import { fullForward } from "../harness/full_forward.ts";
import { GATED, Gated, GatedWithCache } from "../harness/gated_model.ts";

const config: ModelConfig = {
  vocabSize: 37,
  contextLength: 24,
  dModel: 16,
  numLayers: 2,
  numHeads: 2,
  dFf: 24,
  ropeTheta: 10000,
};
/** Fewer heads of keys in the cache, positions in it that no query sees any more, and norms before rotations. */
const shared: ModelConfig = {
  ...config,
  numHeads: 4,
  numKeyValueHeads: 2,
  headDim: 6,
  slidingWindow: 5,
  qkNorm: "head",
  rotaryDim: 4,
};
/** Positions that are looked up, and everything else of other models. */
const learned: ModelConfig = {
  ...config,
  norm: "layer",
  position: "learned",
  ffn: "gelu",
  bias: "all",
  parallelBlocks: true,
  embeddingScale: 2,
};

/** An engine whose model has random weights. */
async function makeEngine(backend: Backend, model: Transformer, options?: BatchEngineOptions): Promise<BatchEngine> {
  const engine = await BatchEngine.create(backend, model, options);
  await writeWeights(backend, model, initialWeights(model.config, 11));
  return engine;
}

const greedy = { temperature: 0, topP: 1, seed: 0 };
const drawn = { temperature: 1.1, topP: 0.9, seed: 5, likeliest: 3 };

function promptOf(length: number): number[] {
  return Array.from({ length }, (_, i) => (i * 17 + 5 * length) % config.vocabSize);
}

async function idsOf(text: BatchText): Promise<number[]> {
  return (await Array.fromAsync(text)).map(({ id }) => id);
}

forEachBackend("texts that join at different times are continued as by full forward passes", async (backend) => {
  for (const architecture of [config, shared, learned]) {
    const model = new Transformer(architecture);
    await using engine = await makeEngine(backend, model, { slots: 3 });
    const logitsAfter = await fullForward(backend, model);
    // More texts than slots, of different lengths; the next two come when the first has made some tokens.
    const requests = [[1, 9], [7, 17], [12, 3], [3, 6], [20, 4]]
      .map(([length, maxTokens]): BatchRequest => ({ ...greedy, prompt: promptOf(length), maxTokens }));
    const [first, ...others] = engine.submitAll(requests.slice(0, 3));
    const made: number[][] = [[]];
    for await (const { id } of first) {
      made[0].push(id);
      if (made[0].length === 4) others.push(...engine.submitAll(requests.slice(3)));
    }
    for (const text of others) made.push(await idsOf(text));
    for (const [i, { prompt, maxTokens }] of requests.entries()) {
      const context = [...prompt];
      for (let n = 0; n < maxTokens; n++) {
        const logits = await logitsAfter(context);
        context.push(logits.indexOf(Math.max(...logits)));
      }
      assertEquals(made[i], context.slice(-maxTokens), `text ${i}`);
    }
    model.release(backend);
  }
});

forEachBackend(
  "long prompts go in blocks, and the last block may reach the context's end or beyond it",
  async (backend) => {
    for (const contextLength of [150, 200]) {
      const model = new Transformer({ ...shared, contextLength, slidingWindow: 70 });
      await using engine = await makeEngine(backend, model, { slots: 2 });
      const logitsAfter = await fullForward(backend, model);
      // Around one block and two, and what a text that joins is told meanwhile.
      const requests = [15, 16, 64, 65, 128, 129, contextLength - 2]
        .map((length): BatchRequest => ({ ...greedy, prompt: promptOf(length), maxTokens: 2 }));
      const made = await Promise.all(engine.submitAll(requests).map(idsOf));
      for (const [i, { prompt }] of requests.entries()) {
        const context = [...prompt];
        for (let n = 0; n < 2; n++) {
          const logits = await logitsAfter(context);
          context.push(logits.indexOf(Math.max(...logits)));
        }
        assertEquals(made[i], context.slice(-2), `after ${context.length - 2} tokens of ${contextLength}`);
      }
      model.release(backend);
    }
  },
);

forEachDevice("a request with a seed gives the same tokens and the same bits whatever else runs", async (backend) => {
  const slots = backend.capabilities.maxLanes;
  for (const [weightsDtype, lengths] of [["f32", [5, 90]], ["int8", [90]]] as const) {
    const model = new Transformer({ ...config, contextLength: 150, dModel: 32, dFf: 48 }, { weightsDtype });
    await using engine = await makeEngine(backend, model, { slots });
    // Its prompt goes token by token, or in blocks.
    for (const length of lengths) {
      const request: BatchRequest = { ...drawn, prompt: promptOf(length), maxTokens: 9 };
      const alone = await Array.fromAsync(engine.submit(request));
      assertEquals(alone.length, 9);
      // The first of others, and the last to get a slot at once; some end before it, and others then take their places.
      for (const place of [0, slots - 1]) {
        const promptLengths = [1, 8, 100, 3, 17, 64];
        const other = (seed: number) => ({
          ...drawn,
          seed,
          prompt: promptOf(promptLengths[seed % promptLengths.length]),
          maxTokens: 1 + seed % 11,
        });
        const requests = Array.from({ length: slots + 5 }, (_, i) => i === place ? request : other(i + 20));
        const texts = await Promise.all(engine.submitAll(requests).map((text) => Array.fromAsync(text)));
        assertEquals(texts[place], alone, `${length} tokens in slot ${place} of ${slots}, ${weightsDtype}`);
      }
    }
    model.release(backend);
  }
});

Deno.test("another seed gives other tokens", async () => {
  const backend = await reference();
  await using engine = await makeEngine(backend, new Transformer(config), { slots: 2 });
  const request = { ...drawn, prompt: promptOf(3), maxTokens: 12 };
  const [a, b] = await Promise.all(engine.submitAll([request, { ...request, seed: 6 }]).map(idsOf));
  assert(a.join() !== b.join());
});

Deno.test("log-probabilities are those of the softmax at temperature 1, whatever is drawn", async () => {
  const backend = await reference();
  const model = new Transformer(config);
  await using engine = await makeEngine(backend, model, { slots: 2 });
  const logitsAfter = await fullForward(backend, model);
  const context = promptOf(6);
  for await (const { id, logprob, likeliest } of engine.submit({ ...drawn, prompt: context, maxTokens: 5 })) {
    const weights = Array.from(await logitsAfter(context), Math.exp);
    const total = weights.reduce((sum, weight) => sum + weight);
    const expected = weights.map((weight, id) => ({ id, logprob: Math.log(weight / total) }))
      .toSorted((a, b) => b.logprob - a.logprob);
    const near = (a: number, b: number) => assert(Math.abs(a - b) < 1e-5, `${a} and ${b}`);
    near(logprob!, expected.find((token) => token.id === id)!.logprob);
    assertEquals(likeliest!.map(({ id }) => id), expected.slice(0, 3).map(({ id }) => id));
    likeliest!.forEach(({ logprob }, i) => near(logprob, expected[i].logprob));
    context.push(id);
  }
});

Deno.test("a text ends at a stop id, at its most tokens, or when it is cancelled, and its slot is given on", async () => {
  const backend = await reference();
  await using engine = await makeEngine(backend, new Transformer(config), { slots: 1, maxQueued: 3 });
  const request = { ...greedy, prompt: promptOf(4), maxTokens: 12 };
  const whole = engine.submit(request);
  const ids = await idsOf(whole);
  assertEquals([whole.finish, ids.length], ["length", 12]);
  const stopped = engine.submit({ ...request, stopIds: [ids[3]] });
  assertEquals([await idsOf(stopped), stopped.finish], [ids.slice(0, ids.indexOf(ids[3])), "stop"]);
  const none = engine.submit({ ...request, maxTokens: 0 });
  assertEquals([await idsOf(none), none.finish], [[], "length"]);

  const aborted = new AbortController();
  const waiting = new AbortController();
  const running = engine.submit({ ...request, signal: aborted.signal });
  const queued = engine.submit({ ...request, signal: waiting.signal });
  const left = engine.submit(request);
  const last = engine.submit(request);
  waiting.abort();
  assertEquals([await idsOf(queued), queued.finish], [[], "cancelled"]);
  for await (const { id } of running) {
    assertEquals(id, ids[0]);
    aborted.abort();
  }
  assertEquals(running.finish, "cancelled");
  for await (const _ of left) break;
  assertEquals(left.finish, "cancelled");
  assertEquals(await idsOf(last), ids);
  assertEquals((await idsOf(engine.submit({ ...request, signal: AbortSignal.abort() }))).length, 0);
  const { running: now, waiting: then } = engine.counts;
  assertEquals([now, then], [0, 0]);
});

Deno.test("a full queue refuses all of a request's texts, and takes others when there is room again", async () => {
  const backend = await reference();
  await using engine = await makeEngine(backend, new Transformer(config), { slots: 2, maxQueued: 1 });
  const request = { ...greedy, prompt: promptOf(4), maxTokens: 3 };
  const two = engine.submitAll([request, request]);
  const error = assertThrows(() => engine.submitAll([request, request]), QueueFullError);
  assertEquals([error.waiting, error.most, error.more], [2, 1, 2]);
  const third = engine.submit(request);
  assertThrows(() => engine.submit(request), QueueFullError, "must be at most 1");
  const ids = await Promise.all([...two, third].map(idsOf));
  assertEquals(ids[2], ids[0]);
  assertEquals(await idsOf(engine.submit(request)), ids[0]);
  assertEquals(engine.counts.generatedTokens, 12);
  assertEquals(engine.counts.promptTokens, 16);
});

Deno.test("what cannot be continued is refused by name", async () => {
  const backend = await reference();
  const model = new Transformer(config);
  await using engine = await makeEngine(backend, model, { slots: 2 });
  const request = { ...greedy, prompt: promptOf(4), maxTokens: 3 };
  const error = assertThrows(() => engine.submit({ ...request, maxTokens: 21 }), TextTooLongError);
  assertEquals([error.promptTokens, error.maxTokens, error.contextLength], [4, 21, 24]);
  assertThrows(() => engine.submit({ ...request, prompt: [] }), RangeError, "empty prompt");
  assertThrows(() => engine.submit({ ...request, prompt: [37] }), RangeError, "token id 37");
  assertThrows(() => engine.submit({ ...request, maxTokens: -1 }), RangeError, "maxTokens -1");
  assertThrows(() => engine.submit({ ...request, temperature: NaN }), OptionError, "NaN");
  assertEquals(engine.counts.waiting, 0);
  await assertRejects(() => BatchEngine.create(backend, model, { slots: 0 }), OptionError, "slots 0");
  await assertRejects(() => BatchEngine.create(backend, model, { maxQueued: 0.5 }), OptionError, "maxQueued 0.5");
  await assertRejects(() => BatchEngine.create(backend, new Gated(GATED)), OptionError, "without createCache");
  await assertRejects(() => BatchEngine.create(backend, new GatedWithCache(GATED)), OptionError, "canPart");
});

Deno.test("an engine that fails or is disposed of ends its texts with an error, and takes no more", async () => {
  const backend = await reference();
  const model = new Transformer(config);
  const request = { ...greedy, prompt: promptOf(4), maxTokens: 3 };
  // Logits that are NaN are the text's failure, the backend's is everyone's.
  const broken = await makeEngine(backend, model, { slots: 1 });
  const { flat } = model.parameters;
  backend.write(viewOf(flat, flat.placement!), new Float32Array(flat.size).fill(NaN));
  await assertRejects(() => idsOf(broken.submit(request)), NoTokenError);
  const texts = broken.submitAll([request, request]);
  model.release(backend);
  for (const text of texts) await assertRejects(() => idsOf(text), Error);
  assertThrows(() => broken.submit(request), Error);
  await broken[Symbol.asyncDispose]();

  const disposed = await makeEngine(backend, new Transformer(config), { slots: 1 });
  const [first, second] = disposed.submitAll([request, request]);
  await disposed[Symbol.asyncDispose]();
  for (const text of [first, second]) await assertRejects(() => idsOf(text), Error, "disposed of");
  assertThrows(() => disposed.submit(request), Error, "disposed of");
});
