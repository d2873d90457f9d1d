import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { viewOf } from "../../lib/graph/program.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights, writeWeights } from "../../lib/model/weights.ts";
import { Trainer } from "../../lib/train/trainer.ts";
import { PLAIN } from "../harness/capabilities.ts";

const CONFIG = { vocabSize: 29, contextLength: 7, dModel: 12, numLayers: 2, numHeads: 3, dFf: 17, ropeTheta: 1e4 };
const BATCH = {
  ids: Uint32Array.from({ length: 14 }, (_, i) => i * 5 % 29),
  targets: Uint32Array.from({ length: 14 }, (_, i) => i * 7 % 29),
};

async function createTrainer(backend: Backend, model: Transformer): Promise<Trainer> {
  const optimizer = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 };
  const trainer = await Trainer.create(backend, model, { batchSize: 2, optimizer, maxGradNorm: 1, logCapacity: 4 });
  return trainer;
}

/** Weights and log after three steps. */
async function train(take: (trainer: Trainer) => Promise<unknown>) {
  await using backend = await createWasmBackend({ workers: 2 });
  const model = new Transformer(CONFIG);
  const trainer = await createTrainer(backend, model);
  await writeWeights(backend, model, initialWeights(CONFIG, 3));
  for (let i = 0; i < 3; i++) await take(trainer);
  const log = await trainer.takeLog();
  const { flat } = model.parameters;
  return { log, updates: trainer.updates, weights: await backend.read(viewOf(flat, flat.placement!)) };
}

Deno.test("a profiled step computes the same bits as any other, and times each call", async () => {
  const plain = await train((trainer) => trainer.step(BATCH, 0.01));
  const profiled = await train(async (trainer) => {
    const seconds = await trainer.profileStep(BATCH, 0.01);
    assertEquals(seconds.length, trainer.program.calls.length);
    assert(seconds.every((s) => s >= 0) && seconds.some((s) => s > 0), `got ${seconds}`);
  });
  assertEquals(profiled, plain);
  assertEquals(plain.log.length, 3);
});

Deno.test("a backend without a clock refuses to profile", async () => {
  const backend: Backend = {
    name: "webgpu",
    description: "a device without a clock",
    capabilities: PLAIN,
    bytesInUse: 0,
    load: () => Promise.resolve({ run: () => Promise.resolve() }),
    write: () => {},
    read: () => Promise.reject(new Error("nothing ran")),
    release: () => {},
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const trainer = await createTrainer(backend, new Transformer(CONFIG));
  await assertRejects(() => trainer.profileStep(BATCH, 0.01), Error, "must be a backend that times its calls");
});
