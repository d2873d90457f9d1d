import { assert, assertEquals } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { TextGenerator } from "../../lib/generate/generator.ts";
import type { ModelConfig } from "../../lib/model/config.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights, writeWeights } from "../../lib/model/weights.ts";
import { assertClose } from "../harness/assert_close.ts";
import { forEachBackend } from "../harness/backends.ts";
import { fullForward } from "../harness/full_forward.ts";

/** A context of two blocks of prompt tokens, and a rest that they do not reach. */
const CONFIG: ModelConfig = {
  vocabSize: 37,
  contextLength: 150,
  dModel: 16,
  numLayers: 2,
  numHeads: 4,
  numKeyValueHeads: 2,
  dFf: 24,
  ropeTheta: 10000,
};
const LEARNED: ModelConfig = { ...CONFIG, norm: "layer", position: "learned", ffn: "gelu", bias: "all" };
/** Roundings of float32, in two layers whose sums are of at most some ten terms; logits are about 1. */
const TOLERANCE = { absolute: 1e-5, relative: 1e-5 };
const GREEDY = { temperature: 0, topP: 1 };

async function makeGenerator(backend: Backend, model: Transformer): Promise<TextGenerator> {
  const generator = await TextGenerator.create(backend, model);
  await writeWeights(backend, model, initialWeights(model.config, 11));
  return generator;
}

/** Any ids, of a conversation that begins as all others of its seed do. */
function idsOf(length: number, seed = 5): number[] {
  return Array.from({ length }, (_, i) => (i * i * 7 + i * 17 + seed) % CONFIG.vocabSize);
}

forEachBackend("logits with the cache of an earlier text are those of a whole forward pass", async (backend) => {
  for (const architecture of [CONFIG, LEARNED]) {
    const model = new Transformer(architecture);
    using generator = await makeGenerator(backend, model);
    const expected = await fullForward(backend, model);
    // Longer by one, by several blocks, up to the end, the same again, shorter, and other from some place on.
    const turns = [idsOf(5), idsOf(6), idsOf(80), idsOf(149), idsOf(150), idsOf(150), idsOf(64), [
      ...idsOf(40),
      ...idsOf(60, 3),
    ], idsOf(20, 9)];
    let last: readonly number[] = [];
    for (const [i, turn] of turns.entries()) {
      const shared = turn.findIndex((id, at) => id !== last[at]);
      assertEquals(generator.cachedPrefix(turn), shared < 0 ? turn.length : shared, `turn ${i}`);
      assertClose(await generator.logits(turn, { reusePrefix: true }), await expected(turn), TOLERANCE, `turn ${i}`);
      last = turn;
    }
  }
});

forEachBackend("a turn that reuses the cache continues as one that does not", async (backend) => {
  const model = new Transformer(CONFIG);
  using kept = await makeGenerator(backend, model);
  using fresh = await TextGenerator.create(backend, model);
  let history = idsOf(70);
  for (const [turn, maxTokens] of [3, 11, 1, 20].entries()) {
    const answer = await Array.fromAsync(kept.generate(history, { ...GREEDY, maxTokens, reusePrefix: true }));
    assertEquals(answer, await Array.fromAsync(fresh.generate(history, { ...GREEDY, maxTokens })), `turn ${turn}`);
    const whole = [...history, ...answer];
    // Of the answer, at most what a device made since its last read-back is computed again.
    const atLeast = history.length + (answer.length > 8 ? 5 : 0);
    assert(kept.cachedPrefix(whole) >= atLeast, `turn ${turn}: ${kept.cachedPrefix(whole)} of ${whole.length}`);
    history = [...whole, ...idsOf(4, turn)];
  }
  // A text that slid holds other tokens; one that was given up early holds what it fed.
  await Array.fromAsync(kept.generate(idsOf(140), { ...GREEDY, maxTokens: 30, reusePrefix: true }));
  const after = await Array.fromAsync(kept.generate(history, { ...GREEDY, maxTokens: 9, reusePrefix: true }));
  assertEquals(after, await Array.fromAsync(fresh.generate(history, { ...GREEDY, maxTokens: 9 })));
  for await (const _ of kept.generate(idsOf(90, 8), { ...GREEDY, maxTokens: 9, reusePrefix: true })) break;
  assertEquals(
    await Array.fromAsync(kept.generate(idsOf(90, 8), { ...GREEDY, maxTokens: 9, reusePrefix: true })),
    await Array.fromAsync(fresh.generate(idsOf(90, 8), { ...GREEDY, maxTokens: 9 })),
  );
});

forEachBackend("samples that are made together leave the prompt in the cache", async (backend) => {
  const model = new Transformer(CONFIG);
  using kept = await makeGenerator(backend, model);
  using fresh = await TextGenerator.create(backend, model);
  const options = { temperature: 1.5, topP: 1, maxTokens: 6 };
  const samples = await kept.generateSamples(idsOf(70), options, [1, 2]);
  await Promise.all(samples.map((sample) => Array.fromAsync(sample)));
  const next = [...idsOf(70), 3];
  assertEquals(
    await Array.fromAsync(kept.generate(next, { ...GREEDY, maxTokens: 9, reusePrefix: true })),
    await Array.fromAsync(fresh.generate(next, { ...GREEDY, maxTokens: 9 })),
  );
});

forEachBackend("feeding ends once it is aborted, and the cache holds what was fed", async (backend) => {
  const model = new Transformer(CONFIG);
  using generator = await makeGenerator(backend, model);
  const signal = AbortSignal.abort();
  assertEquals(await Array.fromAsync(generator.generate(idsOf(140), { ...GREEDY, signal, reusePrefix: true })), []);
  assertEquals(generator.cachedPrefix(idsOf(140)), 64);
  using fresh = await TextGenerator.create(backend, model);
  assertEquals(
    await Array.fromAsync(generator.generate(idsOf(140), { ...GREEDY, maxTokens: 9, reusePrefix: true })),
    await Array.fromAsync(fresh.generate(idsOf(140), { ...GREEDY, maxTokens: 9 })),
  );
});
