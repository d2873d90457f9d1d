import { assert, assertEquals, assertRejects } from "@std/assert";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { planForTime, type TimePlanOptions } from "../../lib/run/plan_for_time.ts";
import type { TrainingConfig } from "../../lib/train/config.ts";
import { estimateSeconds } from "../../lib/run/time_budget.ts";
import { Random } from "../harness/random.ts";

async function inDirectory(body: (options: Omit<TimePlanOptions, "parts">, parent: string) => Promise<void>) {
  const parent = await Deno.makeTempDir();
  try {
    await body({
      seconds: 6,
      train: tokensInMemory(new Random(1).integers(5000, 11)),
      valid: tokensInMemory(new Random(2).integers(500, 11)),
      createBackend: () => createWasmBackend({ workers: 1 }),
      directory: `${parent}/run`,
    }, parent);
    assertEquals(await Array.fromAsync(Deno.readDir(parent)), []);
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

const model = { vocabSize: 11, contextLength: 6, dModel: 8, numLayers: 1, numHeads: 2, dFf: 12 };

Deno.test("a plan's numbers agree with each other, and what was said stays", async () => {
  await inDirectory(async (options) => {
    const training = { batchSize: 3, gradAccumulation: 2, lr: 0.02, validEvery: 7, saveEvery: 11 };
    const plan = await planForTime({ ...options, parts: [{ model, training }] });
    const { config, candidate, estimatedSeconds, tokens, epochs } = plan;
    assertEquals({ ...config.model, ...model }, config.model);
    assertEquals({ ...config.training, ...training }, config.training);
    assertEquals(plan.choice, undefined);
    const { steps } = config.training;
    assertEquals(config.training.warmupSteps, Math.floor(steps / 20));
    assertEquals([candidate.tokensPerStep, tokens, epochs], [36, 36 * steps, 36 * steps / 5000]);
    assertEquals(estimateSeconds(steps, candidate.costs, config.training), estimatedSeconds);
    assert(estimatedSeconds <= options.seconds, `${estimatedSeconds} s`);
    for (const part of ["step", "validation", "checkpoint"] as const) assert(candidate.costs[part] > 0, part);
  });
});

Deno.test("a timed run decays to zero over its last steps, unless another schedule is given", async () => {
  await inDirectory(async (options) => {
    const planned = async (training: Partial<TrainingConfig>) =>
      (await planForTime({ ...options, parts: [{ model, training }] })).config;
    const { training, given } = await planned({ lr: 0.02 });
    const { schedule, minLr, steps, decaySteps, timeBudget } = training;
    assertEquals([schedule, minLr, decaySteps], ["wsd", 0, Math.floor(0.3 * steps)]);
    assert(timeBudget! > 0 && timeBudget! < options.seconds, `${timeBudget} s`);
    assertEquals(given.filter((name) => name.startsWith("training.")), ["training.lr"]);

    const own = (await planned({ schedule: "wsd", decaySteps: 3 })).training;
    assertEquals([own.decaySteps, own.minLr, own.timeBudget === undefined], [3, 3e-4, false]);
    // Each step's rate depends on how many there are.
    for (const schedule of ["cosine", "linear"] as const) {
      const { training } = await planned({ schedule });
      assertEquals([training.schedule, training.timeBudget], [schedule, undefined]);
    }
  });
});

Deno.test("an aborted plan leaves nothing behind", async () => {
  await inDirectory(async (options) => {
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    const thrown = await assertRejects(() => planForTime({ ...options, parts: [{ model }], signal }), Error);
    assertEquals(thrown, reason);
  });
});
