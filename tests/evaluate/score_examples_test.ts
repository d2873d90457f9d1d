import { assertEquals, assertRejects } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import type { Examples } from "../../lib/dataset/token_source.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { OptionError, UserError } from "../../lib/errors.ts";
import { scoreExamples } from "../../lib/evaluate/score_examples.ts";
import { scoreTokens } from "../../lib/evaluate/score.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights, type WeightSource } from "../../lib/model/weights.ts";
import { assertClose, UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { forEachBackend, forEachDevice, reference } from "../harness/backends.ts";
import { Random } from "../harness/random.ts";

await reference();

/** Longer than the rows that most of these examples need. */
const config = { vocabSize: 19, contextLength: 37, dModel: 8, numLayers: 1, numHeads: 2, dFf: 12, ropeTheta: 10000 };

interface Example {
  readonly ids: readonly number[];
  readonly counted: readonly number[];
}

/** Examples of these lengths, of which drawn tokens count, but never the first. */
function drawExamples(lengths: readonly number[]): Example[] {
  const random = new Random(7);
  return lengths.map((length) => ({
    ids: [...random.integers(length, config.vocabSize)],
    counted: [...random.integers(length, 2)].map((one, i) => i === 0 ? 0 : one),
  }));
}

function joined(examples: readonly Example[]): Examples {
  const starts = [0];
  for (const { ids } of examples) starts.push(starts.at(-1)! + ids.length);
  return {
    starts: Uint32Array.from(starts),
    counted: Uint8Array.from(examples.flatMap(({ counted }) => counted)),
  };
}

const idsOf = (examples: readonly Example[]) => tokensInMemory(examples.flatMap(({ ids }) => ids), "examples");

/** Each token's loss is what a text gains by it, when the text is scored alone. */
async function scoredAlone(backend: Backend, model: Transformer, { ids, counted }: Example): Promise<number> {
  let nats = 0;
  let before = 0;
  for (let length = 2; length <= ids.length; length++) {
    const source = tokensInMemory(ids.slice(0, length));
    const upToHere = (await scoreTokens(backend, model, source, { batchSize: 1 })).nats;
    if (counted[length - 1] === 1) nats += upToHere - before;
    before = upToHere;
  }
  return nats;
}

forEachBackend("scoreExamples gives each what it has alone, whatever stands in the rows beside it", async (backend) => {
  const weights = initialWeights(config, 2);
  // The shortest come after the longest, so that their rows have something left in them.
  for (const lengths of [[17, 2, 3, 9, 1, 5], [38, 2, 4], [2, 2, 2, 2, 2, 2, 2, 2, 2]]) {
    const examples = drawExamples(lengths);
    const model = new Transformer(config);
    const expected: number[] = [];
    await scoreTokens(backend, model, tokensInMemory([1, 2]), { weights });
    for (const example of examples) expected.push(await scoredAlone(backend, model, example));
    for (const batchSize of [1, 2, 8]) {
      const done: number[] = [];
      const onProgress = (examples: number) => done.push(examples);
      const scores = await scoreExamples(backend, model, idsOf(examples), joined(examples), { batchSize, onProgress });
      assertEquals(
        scores.map(({ tokens }) => tokens),
        examples.map(({ counted }) => counted.reduce((sum, one) => sum + one, 0)),
      );
      // Differences of sums of up to 37 losses of about 3 nats, each with the errors of sums over 12 terms.
      const error = 300 * 3 * 37 * UNIT_ROUNDOFF;
      assertClose(scores.map(({ nats }) => nats), expected, { absolute: error }, `${lengths}, ${batchSize} at once`);
      assertEquals(done.at(-1), examples.length);
      assertEquals(done.length, Math.ceil(examples.length / batchSize));
    }
  }
});

forEachDevice("scoreExamples refuses what it cannot score, and stops when asked to", async (backend) => {
  const weights = initialWeights(config, 2);
  const model = new Transformer(config);
  const score = (examples: readonly Example[], options = {}) =>
    scoreExamples(backend, model, idsOf(examples), joined(examples), { weights, ...options });
  await assertRejects(() => score([]), UserError, "Cannot score examples: got no examples");
  await score(drawExamples([38]));
  await assertRejects(() => score(drawExamples([3, 39])), UserError, "got an example of 39 tokens, must be at most 38");
  await assertRejects(() => score([{ ids: [1, 19], counted: [0, 1] }]), UserError, "got token id 19");
  await assertRejects(() => score(drawExamples([3]), { batchSize: 0 }), OptionError, "got a batch size of 0");
  const signal = AbortSignal.abort(new Error("enough"));
  await assertRejects(() => score(drawExamples([3]), { signal }), Error, "enough");
  const infinite: WeightSource = async (name, shape) =>
    (await weights(name, shape)).map((value) => name.includes("attn") ? value * 1e30 : value);
  const broken = () => score([{ ids: [1, 2, 3], counted: [0, 1, 1] }], { weights: infinite });
  await assertRejects(broken, UserError, "Cannot score examples: got a loss of NaN");
});
