import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import type { Backend } from "../../lib/backend/backend.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { createWebGpuBackend } from "../../lib/backend/webgpu.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { OptionError, UserError } from "../../lib/errors.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { InputBlock } from "../../lib/graph/inputs.ts";
import { plan } from "../../lib/graph/plan.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights, type WeightSource } from "../../lib/model/weights.ts";
import { scoreTokens, scoringWindows } from "../../lib/evaluate/score.ts";
import { assertClose, UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { forEachBackend, forEachDevice, reference } from "../harness/backends.ts";
import { halfTest } from "../harness/gpu.ts";
import { Random } from "../harness/random.ts";

await reference();

const config = { vocabSize: 19, contextLength: 6, dModel: 8, numLayers: 1, numHeads: 2, dFf: 12, ropeTheta: 10000 };

Deno.test("scoring windows predict each token but the first once, with enough before it", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 200 }), fc.integer({ min: 1, max: 12 }), fc.nat(), (length, context, at) => {
      const stride = 1 + at % context;
      const counts = new Array<number>(length).fill(0);
      for (const { start, from, to } of scoringWindows(length, context, stride)) {
        assertEquals(start >= 0 && from >= 0 && from < to && to <= context && start + to < length, true);
        // Position i predicts token start + i + 1 from i + 1 tokens.
        if (start > 0) assertEquals(from >= context - stride, true);
        for (let i = from; i < to; i++) counts[start + i + 1]++;
      }
      assertEquals(counts, [0, ...new Array<number>(length - 1).fill(1)]);
    }),
    { seed: 8, numRuns: 300 },
  );
});

Deno.test("scoring windows are made as they are asked for, however many there are", () => {
  const windows = scoringWindows(2 ** 50, 4, 1);
  assertEquals(windows.next().value, { start: 0, from: 0, to: 4 });
  assertEquals(windows.next().value, { start: 1, from: 3, to: 4 });
});

/** −log p of each token but the first, from one forward pass each over what its window holds before it. */
async function naiveScore(backend: Backend, model: Transformer, ids: Uint32Array, stride: number): Promise<number> {
  const graph = new Graph();
  const input = graph.input("ids", [1, config.contextLength], { dtype: "u32" });
  const logits = model.forward(graph, input);
  const program = plan(graph, { keep: [logits] });
  const executable = await backend.load(program);
  const block = new InputBlock(program);
  let nats = 0;
  for (let target = 1; target < ids.length; target++) {
    const { contextLength, vocabSize } = config;
    // Windows end at the context length, then a stride further each time.
    const end = Math.max(contextLength, contextLength + Math.ceil((target - contextLength) / stride) * stride);
    const start = Math.max(0, Math.min(end, ids.length - 1) - contextLength);
    const before = ids.subarray(start, target);
    block.integers(input).fill(0).set(before);
    backend.write(block.view, block.words);
    await executable.run();
    const all = await backend.read(program.view(logits));
    const row = [...all.subarray((before.length - 1) * vocabSize, before.length * vocabSize)];
    const max = Math.max(...row);
    nats += max + Math.log(row.reduce((sum, x) => sum + Math.exp(x - max), 0)) - row[ids[target]];
  }
  return nats;
}

forEachBackend("scoreTokens adds up what single forward passes give, for any length and stride", async (backend) => {
  const model = new Transformer(config);
  for (const [length, stride] of [[2, 3], [4, 6], [7, 3], [8, 3], [31, 1], [31, 4], [31, 6]]) {
    const ids = new Random(length).integers(length, config.vocabSize);
    const options = { stride, batchSize: 3, weights: initialWeights(config, 2) };
    const { nats, tokens } = await scoreTokens(backend, model, tokensInMemory(ids), options);
    assertEquals(tokens, length - 1);
    // Each loss is a few nats with the errors of sums over 12 terms; they are added in float64.
    const expected = await naiveScore(backend, model, ids, stride);
    assertClose([nats], [expected], { relative: 50 * UNIT_ROUNDOFF }, `${length} tokens, stride ${stride}`);
  }
});

halfTest("scoreTokens in f16 gives float64's score but for f16's roundings", async () => {
  const model = new Transformer(config);
  const source = tokensInMemory(new Random(4).integers(200, config.vocabSize));
  const options = { weights: initialWeights(config, 2) };
  const expected = await scoreTokens(await reference(), model, source, options);
  await using backend = await createWebGpuBackend();
  const { nats, tokens } = await scoreTokens(backend, model, source, { ...options, precision: "f16" });
  assertEquals(tokens, expected.tokens);
  // Logits of a few units, each rounded to 11 bits after a dozen roundings more; over 199 tokens the signs differ.
  assertClose([nats], [expected.nats], { relative: 4 * 2 ** -11 });
  assert(Math.abs(nats - expected.nats) > 1e-6 * nats, "it was not computed in f16");
});

forEachBackend("scoreTokens refuses what it cannot score", async (backend) => {
  const model = new Transformer(config);
  const score = (ids: number[], stride = 3) => scoreTokens(backend, model, tokensInMemory(ids), { stride });
  await assertRejects(() => score([1]), UserError, "got 1 tokens");
  await assertRejects(() => score([1, 19, 2]), UserError, "got token id 19");
  await assertRejects(() => score([1, 2], 7), RangeError, "got stride 7");
});

// In float64 nothing overflows here.
forEachDevice("a score that is no number is refused, whatever in the model made it so", async (backend) => {
  const good = initialWeights(config, 1);
  const weights: WeightSource = async (name, shape) =>
    (await good(name, shape)).map((value) => name.includes("attn") ? value * 1e30 : value);
  const source = tokensInMemory([1, 2, 3, 4, 5, 6, 7, 8, 9], "some text");
  const scored = scoreTokens(backend, new Transformer(config), source, { weights });
  await assertRejects(() => scored, UserError, "Cannot score some text: got a loss of NaN");
});

Deno.test("a batch whose arrays no memory holds is refused before anything is traced, on any backend", async () => {
  const ids = tokensInMemory(Uint32Array.from({ length: 40 }, (_, i) => i % 19), "ids");
  await using wasm = await createWasmBackend({ workers: 1 });
  // A GPU does not say how much memory it has.
  const unbounded: Backend = new Proxy(wasm, {
    get: (target, key) => key === "totalBytes" ? undefined : Reflect.get(target, key),
  });
  for (const backend of [wasm, unbounded]) {
    const model = new Transformer(config);
    model.forward = () => {
      throw new Error("traced");
    };
    for (const batchSize of [0, 1.5, NaN, 1e8, Number.MAX_SAFE_INTEGER]) {
      const score = () => scoreTokens(backend, model, ids, { batchSize });
      const { message } = await assertRejects(score, OptionError, `got a batch size of ${batchSize}, must be`);
      assertEquals(message.includes("\n"), false);
    }
    // The largest that it names is not refused by itself.
    const { message } = await assertRejects(() => scoreTokens(backend, model, ids, { batchSize: 1e8 }), OptionError);
    const batchSize = Number(/from 1 to (\d+)/.exec(message)![1]);
    await assertRejects(() => scoreTokens(backend, model, ids, { batchSize }), Error, "traced");
    await assertRejects(() => scoreTokens(backend, model, ids, { batchSize: batchSize + 1 }), OptionError);
  }
});
