import { assert, assertEquals } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { scoreTokens } from "../../lib/evaluate/score.ts";
import { Continuation } from "../../lib/generate/continuation.ts";
import { TextGenerator } from "../../lib/generate/generator.ts";
import type { LanguageModel } from "../../lib/model/language_model.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights, writeWeights } from "../../lib/model/weights.ts";
import { assertClose, UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { forEachDevice } from "../harness/backends.ts";
import { fullForward } from "../harness/full_forward.ts";
import { Random } from "../harness/random.ts";

const V = 61;
const SIZES = { vocabSize: V, contextLength: 12, dModel: 16, numLayers: 2, numHeads: 2, dFf: 24, ropeTheta: 10000 };
/** About as large as the logits, so that it bends them. */
const CAP = 1.5;
const IDS = [...new Random(8).integers(11, V)];

async function load(backend: Backend, logitSoftCap: number | undefined, { cached = true } = {}) {
  const model = new Transformer({ ...SIZES, logitSoftCap });
  const withoutCache: LanguageModel = {
    config: model.config,
    parameters: model.parameters,
    forward: (graph, ids) => model.forward(graph, ids),
    release: (backend) => model.release(backend),
  };
  const generator = await TextGenerator.create(backend, cached ? model : withoutCache);
  // Larger than a model begins with: else all tokens are nearly as likely.
  const weights = initialWeights(SIZES, 3);
  await writeWeights(backend, model, async (name, shape) => (await weights(name, shape)).map((w) => 3 * w));
  return { model, generator };
}

/** With room for a few roundings of logits of a few units. */
const TOLERANCE = { absolute: 64 * UNIT_ROUNDOFF };

forEachDevice("a cap bends the logits of every way to compute them", async (backend) => {
  const plain = await load(backend, undefined);
  const logits = await plain.generator.allLogits(IDS);
  const expected = Float64Array.from(logits, (logit) => CAP * Math.tanh(logit / CAP));
  assert(logits.some((logit) => Math.abs(logit) > 2 * CAP), "nothing is bent");
  const last = expected.subarray(-V);
  for (const cached of [true, false]) {
    const { generator, model } = await load(backend, CAP, { cached });
    assertClose(await generator.allLogits(IDS), expected, TOLERANCE, `all, cached: ${cached}`);
    assertClose(await generator.logits(IDS), last, TOLERANCE, `the last, cached: ${cached}`);
    assertClose(await (await fullForward(backend, model))(IDS), last, TOLERANCE, "a whole forward pass");
  }
});

forEachDevice("texts are drawn from capped logits, wherever they are drawn", async (backend) => {
  const options = { temperature: 1, topP: 0.9, maxTokens: 20 };
  const drawn = async (logitSoftCap: number | undefined, cached: boolean) => {
    const { generator, model } = await load(backend, logitSoftCap, { cached });
    const logitsAfter = await fullForward(backend, model);
    const text = new Continuation([5, 6, 7], SIZES.contextLength, options, 4);
    const expected: number[] = [];
    while (!text.isOver) {
      const id = text.choose(await logitsAfter(text.context));
      expected.push(id);
      text.take(id);
    }
    assertEquals(await Array.fromAsync(generator.generate([5, 6, 7], { ...options, seed: 4 })), expected);
    return expected;
  };
  const capped = await drawn(CAP, true);
  assertEquals(await drawn(CAP, false), capped);
  assert(capped.join() !== (await drawn(undefined, true)).join(), "a cap changes nothing");
});

forEachDevice("a score is that of capped logits", async (backend) => {
  const plain = await load(backend, undefined);
  const logits = await plain.generator.allLogits(IDS);
  let nats = 0;
  for (let i = 0; i + 1 < IDS.length; i++) {
    const row = Float64Array.from(logits.subarray(i * V, (i + 1) * V), (logit) => CAP * Math.tanh(logit / CAP));
    nats += Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0)) - row[IDS[i + 1]];
  }
  const { model } = await load(backend, CAP);
  const score = await scoreTokens(backend, model, tokensInMemory(Uint32Array.from(IDS)));
  assertEquals(score.tokens, IDS.length - 1);
  assertClose([score.nats], [nats], { absolute: IDS.length * 64 * UNIT_ROUNDOFF }, "nats");
});
